"""The wiring of a run: which config, which data, which stages. Resume stands in ``test_resume.py``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.baselines.popularity import Popularity
from sgl_rec.config import dump_toml, method_file, method_names, parse
from sgl_rec.data.demo import demo_dataset_tables
from sgl_rec.errors import UserError
from sgl_rec.pipeline.measure import validation
from sgl_rec.pipeline.prepare import prepare
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.pipeline.train import SCORING, start, train
from sgl_rec.settings import merge, read_toml
from sgl_rec.training.stopping import EarlyStopping

SMALL: dict[str, Any] = {"encoder": {"embedding_dim": 4, "num_layers": 2}, "training": {"max_epochs": 2}}


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


def test_a_method_of_ones_own(tmp_path: Path, clicks: pd.DataFrame) -> None:
    file = tmp_path / "mine.toml"
    lines = ["[loss.ranking]", 'name = "bpr"', "[training]", "max_epochs = 1", "[encoder]", 'name = "lightgcn"']
    file.write_text("\n".join(lines))
    run = train(clicks, method=str(file), out=tmp_path / "run", threads=1)
    assert run.metrics["method"] == "mine"
    written = read_toml(tmp_path / "run" / "config.toml")
    assert written["method"] == "mine"
    assert dump_toml(parse(written, where="here")) == (tmp_path / "run" / "config.toml").read_text()


TRAINED = [name for name, path in method_names().items() if "loss" in read_toml(path)]


@pytest.mark.parametrize("method", TRAINED)  # the others: test_baseline.py
def test_every_method_trains(method: str, clicks: pd.DataFrame, tmp_path: Path) -> None:
    run = train(clicks, method=method, out=tmp_path / "run", settings=SMALL, threads=1)
    assert np.isfinite(run.history.drop(columns="epoch").to_numpy()).all()
    assert torch.isfinite(run.embeddings().user).all()
    assert set(read_toml(method_file(method, dataset="demo"))["loss"]) <= set(run.history)


def test_contrast_leaves_bpr_its_gradient(tmp_path: Path) -> None:
    """EGCF as shipped: where steps are short beside the start, cosines scatter rows and BPR stays at log 2."""
    frame, _ = demo_dataset_tables()
    settings = {"encoder": {"embedding_dim": 32}, "training": {"max_epochs": 5, "batch_size": 512}}
    few = frame[frame["user_id"].isin(frame["user_id"].unique()[:500])]
    history = train(few, method="egcf", out=tmp_path / "run", settings=settings, threads=1).history
    assert history["ranking"].iloc[-1] < 0.5
    assert history["ndcg@20"].iloc[-1] > history["ndcg@20"].iloc[0]


CURVES = {"training": {"max_epochs": 4, "patience": 9, "learning_rate": 0.02}, "encoder": {"embedding_dim": 16}}


@pytest.mark.parametrize("method", ["sgl-ed", "xsimgcl"])
@pytest.mark.parametrize(
    ("backend", "precision", "close"),
    [
        ("cpu", "float32", 1e-4),
        ("scatter", "float32", 1e-4),
        ("torch", "bfloat16", 2e-2),
        ("cpu", "bfloat16", 2e-2),
    ],
)
def test_training_curves_agree(
    backend: str, precision: str, close: float, method: str, clicks: pd.DataFrame, tmp_path: Path
) -> None:
    """Every backend and precision learns what plain PyTorch in float32 learns: each term, epoch by epoch."""

    def curve(backend: str, precision: str) -> pd.DataFrame:
        settings = merge(CURVES, {"training": {"backend": backend, "precision": precision}})
        run = train(clicks, method=method, out=tmp_path / backend / precision, settings=settings, threads=1)
        assert read_toml(run.path / "config.toml")["training"]["precision"] == precision
        return run.history[["loss", "ranking", "contrastive", "penalty"]]

    expected, got = curve("torch", "float32"), curve(backend, precision)
    assert expected["loss"].iloc[-1] < 0.98 * expected["loss"].iloc[0], "something is learnt"
    np.testing.assert_allclose(got, expected, rtol=close)
    assert not np.array_equal(got, expected), "it is another implementation"


def test_same_seed_same_bits_other_seed_other_bits(clicks: pd.DataFrame, tmp_path: Path) -> None:
    shuffled = clicks.sample(frac=1, random_state=1)
    tables = [
        train(
            data,
            out=tmp_path / str(number),
            settings={**SMALL, "training": {"max_epochs": 2, "seed": seed}},
            threads=1,
        )
        .embeddings()
        .user
        for number, (data, seed) in enumerate([(clicks, 0), (clicks, 0), (shuffled, 0), (clicks, 1)])
    ]
    assert torch.equal(tables[0], tables[1])
    assert tables[2].shape == tables[0].shape
    assert not torch.equal(tables[0], tables[3])


def test_the_figures_of_each_user_have_the_mean_that_is_reported(
    clicks: pd.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="sgl_rec")
    run = train(clicks, method="lightgcn", out=tmp_path / "run", settings=SMALL, threads=1)
    users = run.folder.read_users()
    assert len(users) == run.metrics["protocol"]["users_measured"]
    assert set(users["user_id"]) <= set(clicks["user_id"])
    for name in users.columns.drop("user_id"):
        assert users[name].mean() == pytest.approx(run.metrics["test"][name], rel=1e-12)
    assert "test_both_removed" not in run.metrics, "they are removed by the protocol"
    assert [record.message for record in caplog.records].count(SCORING) == 1


def test_where_a_protocol_keeps_validation_items_the_figures_without_them_stand_beside(
    clicks: pd.DataFrame, tmp_path: Path
) -> None:
    usual = prepare(clicks, method="lightgcn", settings=SMALL)
    published = replace(usual, split=replace(usual.split, remove_at_test=("train",)))
    cpu = torch.device("cpu")
    runs = [start(prepared, RunFolder(tmp_path / name), device=cpu) for prepared, name in
            ((usual, "usual"), (published, "published"))]  # fmt: skip
    assert runs[1].metrics["test_both_removed"] == runs[0].metrics["test"] != runs[1].metrics["test"]


def test_the_epoch_is_chosen_on_validation(clicks: pd.DataFrame, tmp_path: Path) -> None:
    settings = {**SMALL, "training": {"max_epochs": 12, "learning_rate": 0.3, "patience": 2, "warmup": 1}}
    run = train(clicks, method="lightgcn", out=tmp_path / "run", settings=settings, threads=1)
    history, metrics = run.history, run.metrics
    best = history["ndcg@20"].idxmax()
    assert metrics["epoch"] == history["epoch"][best]
    assert metrics["valid"]["ndcg@20"] == history["ndcg@20"][best]
    assert metrics["epochs_run"] == len(history) <= 12
    assert metrics["protocol"]["selected_on"] == "valid"


@pytest.mark.parametrize(
    ("refit", "trained", "measured"),
    [
        ("none", ["train"], ["train"]),
        ("valid", ["train", "valid"], ["train", "valid"]),
        ("all", ["train", "valid", "test"], ["train"]),
    ],
)
def test_refit(refit: str, trained: list[str], measured: list[str], clicks: pd.DataFrame, tmp_path: Path) -> None:
    settings = {**SMALL, "training": {"max_epochs": 3, "refit": refit}}
    run = train(clicks, method="lightgcn", out=tmp_path / "run", settings=settings, threads=1)
    plain = train(
        clicks,
        method="lightgcn",
        out=tmp_path / "plain",
        settings={**SMALL, "training": {"max_epochs": 3}},
        threads=1,
    )
    assert run.metrics["model_trained_on"] == trained
    assert run.metrics["protocol"]["trained_on"] == measured
    assert run.metrics["epoch"] == plain.metrics["epoch"]
    assert run.metrics["valid"] == plain.metrics["valid"]
    assert (run.metrics["test"] == plain.metrics["test"]) or refit == "valid"
    assert torch.equal(run.embeddings().user, plain.embeddings().user) == (refit == "none")
    if refit == "all":
        with pytest.raises(UserError, match="trained on all interactions"):
            run.evaluate()


def test_too_little_data_for_a_test_still_trains(tmp_path: Path) -> None:
    """Users with fewer than three interactions go to train whole: nothing to validate, nothing to measure."""
    frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": [1, 2, 2, 3, 1]})
    run = train(frame, method="lightgcn", out=tmp_path / "run", settings=SMALL, threads=1)
    assert run.metrics["test"] == {}
    assert run.metrics["epoch"] == 2
    assert len(run.recommend([1], k=5)) == 1
    with pytest.raises(UserError, match="needs test interactions"):
        run.evaluate()


def test_one_user_who_has_touched_everything(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user_id": [1] * 4 + [2] * 2, "item_id": [1, 2, 3, 4, 1, 2]})
    run = train(frame, method="lightgcn", out=tmp_path / "run", settings=SMALL, threads=1)
    assert run.recommend([1], k=5).empty


def test_an_existing_run_is_refused(clicks: pd.DataFrame, tmp_path: Path) -> None:
    train(clicks, out=tmp_path / "run", settings=SMALL, threads=1)
    before = (tmp_path / "run" / "metrics.json").read_text()
    with pytest.raises(UserError, match="use --overwrite"):
        train(clicks, out=tmp_path / "run", settings=SMALL, threads=1)
    assert (tmp_path / "run" / "metrics.json").read_text() == before
    train(clicks, method="lightgcn", out=tmp_path / "run", settings=SMALL, threads=1, overwrite=True)
    assert sgl_rec.load_run(tmp_path / "run").metrics["method"] == "lightgcn"


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(),
        pd.DataFrame({"user": [1], "item": [2]}),
        pd.DataFrame({"user_id": [1, None], "item_id": [2, 3]}),
        pd.DataFrame({"user_id": [], "item_id": []}),
        pd.DataFrame({"user_id": [1.5], "item_id": [2]}),
    ],
)
def test_a_frame_that_is_no_data_is_a_clear_error(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        train(frame, out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_runs_away_is_said(clicks: pd.DataFrame, tmp_path: Path) -> None:
    settings = {**SMALL, "training": {"max_epochs": 5, "learning_rate": 1e30}}
    with pytest.raises(UserError, match="loss must be finite"):
        train(clicks, method="lightgcn", out=tmp_path / "run", settings=settings, threads=1)


def test_metrics_hold_intervals_and_the_environment(clicks: pd.DataFrame, tmp_path: Path) -> None:
    run = train(clicks, method="lightgcn", out=tmp_path / "run", settings=SMALL, threads=1)
    assert set(run.metrics["interval"]) == {"recall@10", "recall@20", "ndcg@10", "ndcg@20"}
    for name, (low, high) in run.metrics["interval"].items():
        assert low <= run.metrics["test"][name] <= high
    assert run.metrics["environment"] == run.folder.read_json(run.folder.environment_file)
    assert run.metrics["environment"]["threads"] == "1"


def test_patience_counts_from_popularitys_figure_on(
    clicks: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floors: list[float] = []

    class Watched(EarlyStopping):
        def __init__(self, *, patience: int, floor: float, warmup: int) -> None:
            floors.append(floor)
            super().__init__(patience=patience, floor=floor, warmup=warmup)

    monkeypatch.setattr("sgl_rec.pipeline.train.EarlyStopping", Watched)
    run = train(clicks, method="lightgcn", out=tmp_path / "run", settings=SMALL, threads=1)
    split = run.folder.data.split
    known = validation(split, ks=(20,))(Popularity(split.train))["ndcg@20"]
    assert floors == [pytest.approx(known)]
    assert known > 0
