"""Content in a run; without it everything is as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.baselines.content_knn import ContentKnn
from sgl_rec.config import Config
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.stage import ContentStage, neighbours
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Embeddings, Interactions, Split


def split(**facts: int) -> Split:
    pairs = Interactions(np.array([0, 1, 0]), np.array([0, 1, 1]), 2, 3)
    return Split("s", pairs, pairs.take(np.array([], int)), pairs.take(np.array([], int)), pairs, facts=facts)


@pytest.fixture
def learnt() -> Embeddings:
    return Embeddings(torch.eye(2, 3), torch.eye(3))


def test_without_content_nothing_changes(learnt: Embeddings) -> None:
    stage = ContentStage(Config.model_validate({"loss": {"r": {"name": "bpr"}}}), split(cold_items=1), None)
    stage.choose(learnt, learnt)
    stage.place(learnt, ("train",))
    assert stage.scorer(learnt, learnt) is learnt
    assert (stage.vectors, stage.choice, stage.placement) == (None, None, None)
    assert (stage.facts, stage.about, stage.neighbours(("train",))) == ({}, {}, None)


def test_a_baseline_has_no_space_to_place_items_in() -> None:
    settings = Config.model_validate({"baseline": {"name": "item_knn"}, "content": {"features": ["x.npy"]}})
    content = ItemContent({"features 1": torch.eye(3)}, torch.tensor([[True], [True], [False]]))
    stage = ContentStage(settings, split(cold_items=1), content)
    stage.choose(None, ContentKnn(split().train, item_vectors=torch.eye(3)))
    stage.place(None, ("train",))
    assert stage.placement is None
    assert stage.facts == {"content": {"blocks": {"features 1": 2}, "seconds": 0.0}}
    assert stage.about == {}
    assert isinstance(stage.neighbours(("train",)), ContentKnn)


def test_neighbours_stand_beside_cold_items_alone() -> None:
    content = ItemContent({"features 1": torch.eye(3)}, torch.ones(3, 1, dtype=torch.bool))
    assert neighbours(content, split(), ("train",)) is None
    assert neighbours(None, split(cold_items=1), ("train",)) is None
    assert neighbours(content, split(cold_items=1), ("train",)) is not None


SETTINGS = {"encoder": {"embedding_dim": 4}, "training": {"max_epochs": 1}}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    user, item = np.nonzero(np.random.default_rng(0).random((40, 60)) < 0.2)
    return pd.DataFrame({"user_id": user, "item_id": item})


@pytest.fixture(scope="module")
def runs(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, sgl_rec.Run]:
    """The same recommender with content, and without."""
    folder = tmp_path_factory.mktemp("stage")
    np.save(folder / "f.npy", np.random.default_rng(1).normal(size=(60, 5)))
    content = {"features": [str(folder / "f.npy")], "hidden_dim": 8, "max_epochs": 2}
    more = {"with": {"content": content}, "without": {}}
    return {
        name: sgl_rec.train(
            frame, method="lightgcn", split="cold-items", out=folder / name, settings={**SETTINGS, **settings},
            threads=1,
        )
        for name, settings in more.items()
    }  # fmt: skip


def test_content_comes_after_the_recommender(runs: dict[str, sgl_rec.Run]) -> None:
    """Which learns the same with it as without: the same epochs, figures of validation and warm rows."""
    one, other = runs["with"], runs["without"]
    columns = ["seconds", "seconds_validation"]
    pd.testing.assert_frame_equal(one.history.drop(columns=columns), other.history.drop(columns=columns))
    assert one.metrics["valid"] == other.metrics["valid"]
    placement = one.folder.placement()
    assert placement is not None
    item, before = one.embeddings().item, other.embeddings().item
    assert torch.equal(item[~placement.cold], before[~placement.cold])
    assert not torch.isclose(item[placement.cold], before[placement.cold]).all(dim=1).any()
    assert torch.equal(one.embeddings().user, other.embeddings().user)


def test_what_is_not_there_leaves_no_mark(runs: dict[str, sgl_rec.Run]) -> None:
    run = runs["without"]
    assert "content" not in run.metrics
    assert not (run.path / "content.safetensors").exists()
    assert (run.folder.content, run.folder.placement()) == (None, None)
    model = Checkpoint.load(run.folder.model_file)
    assert not {name.partition(".")[0] for name in model.tensors} & {"tower", "placed"}
    assert not [name for name in model.values if name.startswith("content")]
    assert "[content]" not in run.folder.config_file.read_text()


def test_what_metrics_say(runs: dict[str, sgl_rec.Run]) -> None:
    said = runs["with"].metrics["content"]
    assert said["blocks"] == {"features 1": 60}
    assert {"epochs", "weight", "handicap", "held", "tried", "seconds"} <= said.keys()
    assert set(runs["with"].metrics["cold"]["cold_among_cold"]["beside"]) == {"content_knn"}
    assert set(runs["with"].metrics["cold"]["warm_among_all"]["beside"]) == {"content_knn", "without_content"}
    assert runs["without"].metrics["cold"]["warm_among_all"]["beside"] == {}


def test_cold_items_are_recommended(runs: dict[str, sgl_rec.Run]) -> None:
    cold = set(runs["with"].item_ids[runs["with"].folder.placement().cold.numpy()])  # type: ignore[union-attr]
    assert cold <= set(runs["with"].recommend(k=60)["item_id"])
    assert not cold & set(runs["without"].recommend(k=60)["item_id"])


def test_a_run_goes_over_one_with_content(frame: pd.DataFrame, tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", np.eye(60))
    settings = {**SETTINGS, "content": {"features": [str(tmp_path / "f.npy")], "max_epochs": 1}}
    out = tmp_path / "run"
    sgl_rec.train(frame, method="lightgcn", out=out, settings=settings, threads=1)
    assert (out / "content.safetensors").is_file()
    sgl_rec.train(frame, method="lightgcn", out=out, settings=SETTINGS, threads=1, overwrite=True)
    assert not (out / "content.safetensors").exists()


def test_content_reaches_a_search_of_neighbours(frame: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    np.save(tmp_path / "f.npy", np.eye(60))
    tuned = sgl_rec.tune(
        frame, method="content-knn", split="cold-items", out=tmp_path / "t", trials=1, threads=1,
        settings={"content": {"features": [str(tmp_path / "f.npy")]}},
    )  # fmt: skip
    assert tuned.best.value is not None
