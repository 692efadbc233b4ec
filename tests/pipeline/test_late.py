"""The weight of a late sum: chosen on validation, kept with the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import sgl_rec
from sgl_rec.baselines.log_prior import log_prior
from sgl_rec.config import Config, LatePart
from sgl_rec.errors import UserError
from sgl_rec.pipeline import late
from sgl_rec.pipeline.late import add_late, choose_late
from sgl_rec.pipeline.measure import validation
from sgl_rec.pipeline.prepare import prepare
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Embeddings, Split

SETTINGS = {
    "encoder": {"embedding_dim": 8},
    "training": {"max_epochs": 2, "refit": "valid"},
    "late_sum": {"name": "ease", "l2_weight": 10.0, "weight": [0.0, 0.5, 4.0]},
}


@pytest.fixture(scope="module")
def split() -> Split:
    return prepare("demo", method="lightgcn", device=torch.device("cpu")).split


def config(weight: float | tuple[float, ...]) -> Config:
    return Config.model_validate(
        {"loss": {"ranking": {"name": "bpr"}}, "late_sum": {"name": "ease", "l2_weight": 10.0, "weight": weight}}
    )


def noise(split: Split) -> Embeddings:
    """Scores that know nothing."""
    generator = torch.Generator().manual_seed(0)
    sizes = (split.train.num_users, split.train.num_items)
    return Embeddings(*(torch.randn(size, 4, generator=generator) for size in sizes))


def test_beside_noise_the_largest_weight_is_best(split: Split) -> None:
    chosen = choose_late(config((0.1, 0.0, 8.0)), noise(split), split)
    assert chosen.weight == 8.0
    assert chosen.tried[0.0] < chosen.tried[0.1] < chosen.tried[8.0]
    figure = validation(split, ks=[20])(chosen.scorer)["ndcg@20"]
    assert chosen.tried[8.0] == pytest.approx(figure), "fewer users than the most that are looked at"
    assert chosen.tried[0.0] == pytest.approx(validation(split, ks=[20])(noise(split))["ndcg@20"])


def test_one_weight_is_no_choice(split: Split) -> None:
    chosen = choose_late(config(2.0), noise(split), split)
    assert (chosen.weight, dict(chosen.tried)) == (2.0, {})
    none = choose_late(Config.model_validate({"loss": {"ranking": {"name": "bpr"}}}), noise(split), split)
    assert (none.weight, none.seconds) == (None, 0.0)


def test_without_validation_the_first_weight_stands(split: Split) -> None:
    alone = replace(split, valid=split.valid.take(np.array([], dtype=np.int64)))
    assert choose_late(config((0.5, 4.0)), noise(split), alone).weight == 0.5


def test_a_weight_of_nothing_is_the_embeddings_themselves(split: Split) -> None:
    learnt = noise(split)
    assert choose_late(config(0.0), learnt, split).scorer is learnt
    assert add_late(config(0.0), learnt, split.train, weight=0.0) is learnt


def test_of_many_users_some_are_looked_at(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late, "USERS", 10)
    users = np.unique(late.some_users(split).valid.user)
    assert 5 < len(users) <= 10
    assert len(np.unique(np.diff(np.searchsorted(np.unique(split.valid.user), users)))) == 1, "evenly spaced"


def test_a_run_keeps_its_weight(tmp_path: Path) -> None:
    run = sgl_rec.train("demo", method="lightgcn", out=tmp_path / "run", settings=SETTINGS, threads=1)
    about = run.metrics["late_sum"]
    tried = {row["weight"]: row["ndcg@20"] for row in about["tried"]}
    assert about["weight"] == max(tried, key=lambda weight: tried[weight])
    assert set(tried) == {0.0, 0.5, 4.0}
    assert run.metrics["valid"]["ndcg@20"] == pytest.approx(tried[about["weight"]])
    assert run.evaluate()["test"] == run.metrics["test"]
    folder = RunFolder(tmp_path / "run")
    model = Checkpoint.load(folder.model_file)
    assert model.values["late_weight"] == about["weight"]
    model.values["late_weight"] = 3.0
    model.save(folder.model_file)
    with pytest.raises(UserError, match=r"late_weight must be one of the config's, got '3\.0'; write it again"):
        run.recommend([1], k=5)


@pytest.mark.parametrize("weight", [-1.0, [], [1.0, 1.0], [0.5, -0.5], "much", True])
def test_weights_that_are_none(weight: object) -> None:
    with pytest.raises(ValueError, match="must be a finite number of at least 0, or a list of such"):
        LatePart.model_validate({"name": "ease", "weight": weight})


def test_a_prior_is_validated_measured_and_served(tmp_path: Path) -> None:
    settings = {
        "encoder": {"embedding_dim": 8},
        "training": {"max_epochs": 2},
        "score": {"similarity": "cosine", "temperature": 0.2, "prior": 1.0},
    }
    run = sgl_rec.train("demo", method="lightgcn", out=tmp_path / "run", settings=settings, threads=1)
    split = run.folder.data.split
    count = torch.from_numpy(split.train.item_degree())
    scorer = log_prior(run.folder.embeddings(), count, temperature=0.2, weight=1.0)
    expected = validation(split, ks=[20])(scorer)["ndcg@20"]
    assert run.metrics["valid"]["ndcg@20"] == pytest.approx(expected)
    chosen = run.history.set_index("epoch").loc[run.metrics["epoch"]]
    assert chosen["ndcg@20"] == pytest.approx(expected), "epochs are chosen by what is scored with"
    assert run.evaluate()["test"] == run.metrics["test"]
    own = scorer.scores(torch.from_numpy(run.folder.data.users.index_of(np.array([1]))))[0].numpy()
    for score in run.recommend([1], k=3)["score"]:
        assert np.isclose(own, score).any(), "lists have these scores"
