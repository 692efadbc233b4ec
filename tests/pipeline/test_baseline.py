"""Baselines as methods of the same command: figures, files, lists, refits."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.baselines.ease import Ease
from sgl_rec.config import method_names
from sgl_rec.errors import UserError
from sgl_rec.pipeline.baseline import read_scorer
from sgl_rec.pipeline.measure import joined, measure_test, validation
from sgl_rec.pipeline.prepare import expected_memory, prepare
from sgl_rec.pipeline.train import resume, train
from sgl_rec.settings import read_toml
from sgl_rec.training.interrupt import Interrupted
from sgl_rec.types import Embeddings

OF_CONTENT = {"content-knn"}
"""They ask for what these rows do not have: see tests/pipeline/content/."""
METHODS = sorted({name for name, path in method_names().items() if "baseline" in read_toml(path)} - OF_CONTENT)
FACTORS = {"ials", "mf-bpr"}


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    """Two kinds of users with four clicks of their own kind each."""
    rng = np.random.default_rng(0)
    rows = [(user, 2 * item + user % 2) for user in range(40) for item in rng.choice(12, 6, replace=False)]
    return pd.DataFrame(rows, columns=["user_id", "item_id"])


@pytest.fixture(scope="module", params=METHODS)
def run(request: pytest.FixtureRequest, shop: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Any:
    before = torch.get_num_threads()
    run = train(shop, method=request.param, out=tmp_path_factory.mktemp("runs") / "run", threads=1)
    torch.set_num_threads(before)
    return run


def test_all_there_are() -> None:
    assert {"popularity", "itemknn", "ease", "gf-cf", "chebycf", *FACTORS} == set(METHODS)


def test_the_figures_are_those_of_any_run(run: sgl_rec.Run, shop: pd.DataFrame, tmp_path: Path) -> None:
    trained = train(shop, method="lightgcn", out=tmp_path / "run", settings={"training": {"max_epochs": 1}})
    assert run.metrics.keys() == trained.metrics.keys()
    for part in ("valid", "test", "interval", "protocol"):
        assert run.metrics[part].keys() == trained.metrics[part].keys(), part
    assert (run.metrics["epoch"], run.metrics["epochs_run"]) == (0, 1)
    assert run.metrics["baselines"] == trained.metrics["baselines"]
    assert run.metrics["protocol"]["selected_on"] == "valid"
    assert run.metrics["seconds"] == run.history[["seconds", "seconds_validation"]].to_numpy().sum() > 0
    assert run.history["ndcg@20"].tolist() == [run.metrics["valid"]["ndcg@20"]]


def test_the_folder_alone_gives_the_same_figures_and_lists(run: sgl_rec.Run) -> None:
    again = sgl_rec.load_run(run.path)
    assert again.evaluate()["test"] == run.metrics["test"]
    scorer, about = read_scorer(again.folder)
    split = again.folder.data.split
    assert about["trained_on"] == ["train"]
    assert validation(split, ks=(10, 20))(scorer) == pytest.approx(run.metrics["valid"])
    lists = again.recommend(k=5)
    assert lists["user_id"].nunique() == 40
    assert lists.merge(pd.read_parquet(run.path / "interactions.parquet"), on=["user_id", "item_id"]).empty


def test_factors_are_stored_and_others_are_not(run: sgl_rec.Run) -> None:
    if run.metrics["method"] in FACTORS:
        assert isinstance(read_scorer(run.folder)[0], Embeddings)
        assert run.embeddings().num_users == 40
        assert len(run.similar([3], k=4)) == 4
        return
    assert (run.path / "model.safetensors").stat().st_size < 1000
    for ask in (run.embeddings, lambda: run.similar([3])):
        with pytest.raises(UserError, match="method must be one with embeddings, got the baseline"):
            ask()


def test_the_config_holds_what_it_means(run: sgl_rec.Run, shop: pd.DataFrame, tmp_path: Path) -> None:
    written = read_toml(run.path / "config.toml")
    assert not {"encoder", "views", "loss"} & written.keys()
    assert written["baseline"].keys() >= {"name"}
    anew = train(shop, config=run.path / "config.toml", out=tmp_path / "anew", threads=1)
    assert anew.metrics["test"] == run.metrics["test"]


def test_a_finished_run_is_left_alone(run: sgl_rec.Run) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in run.path.glob("*.*") if path.name != "log.txt"}
    assert resume(run.path).metrics == run.metrics
    assert before == {
        path.name: path.stat().st_mtime_ns for path in run.path.glob("*.*") if path.name != "log.txt"
    }


@pytest.mark.parametrize(
    ("refit", "trained", "measured"),
    [
        ("none", ["train"], ["train"]),
        ("valid", ["train", "valid"], ["train", "valid"]),
        ("all", ["train", "valid", "test"], ["train"]),
    ],
)
def test_refit(
    refit: str,
    trained: list[str],
    measured: list[str],
    shop: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = train(shop, method="ease", out=tmp_path / "run", settings={"training": {"refit": refit}}, threads=1)
    split, l2_weight = run.folder.data.split, run.folder.config.baseline.arguments["l2_weight"]  # type: ignore[union-attr]
    assert run.metrics["model_trained_on"] == trained
    assert run.metrics["protocol"]["trained_on"] == measured
    known = Ease(joined(split, measured), l2_weight=l2_weight)
    assert run.metrics["test"] == measure_test(known, split, trained_on=tuple(measured), ks=(10, 20)).metrics
    served, expected = read_scorer(run.folder)[0], Ease(joined(split, trained), l2_weight=l2_weight)
    assert torch.equal(served.scores(torch.arange(40)), expected.scores(torch.arange(40)))
    if refit == "all":
        monkeypatch.setattr(
            "sgl_rec.pipeline.baseline.make_baseline", lambda *_: pytest.fail("nothing is fitted")
        )
        with pytest.raises(UserError, match="trained on all interactions"):
            run.evaluate()


def test_a_run_that_was_cut_off_is_finished(
    shop: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sgl_rec.pipeline.baseline.make_baseline", lambda *_, **__: signal.raise_signal(signal.SIGINT)
    )
    with pytest.raises(Interrupted):
        train(shop, method="itemknn", out=tmp_path / "run", threads=1)
    monkeypatch.undo()
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert resume(tmp_path / "run").metrics["test"]


def test_nothing_to_validate_and_nothing_to_test(tmp_path: Path) -> None:
    frame = pd.DataFrame({"user_id": [1, 1, 2, 2, 3], "item_id": [1, 2, 2, 3, 1]})
    run = train(frame, method="ease", out=tmp_path / "run", threads=1)
    assert (run.metrics["valid"], run.metrics["test"]) == ({}, {})
    assert len(run.recommend([1], k=5)) == 1


def test_the_memory_is_asked_for_before_a_file_is_written(
    shop: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, twice = (
        expected_memory(prepare(shop, method="ease", settings={"training": {"refit": refit}}))
        for refit in ("none", "all")
    )
    assert 0 < once < twice
    monkeypatch.setattr("sgl_rec.baselines.memory.free_memory", lambda: 1000)
    with pytest.raises(UserError, match="ease: free memory must be at least"):
        train(shop, method="ease", out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run").exists()


def test_warm_start_goes_neither_way(run: sgl_rec.Run, shop: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"training.warm_start: run must be of a method that is trained, got the"):
        train(shop, method="lightgcn", warm_start=run.path, out=tmp_path / "run", threads=1)
    with pytest.raises(UserError, match=r"training.warm_start must be empty for the baseline"):
        train(shop, method=run.metrics["method"], warm_start=run.path, out=tmp_path / "run", threads=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baseline": {"l2": 5}}, "'l2' must be an argument of baseline 'ease'"),
        ({"baseline": {"l2_weight": "x"}}, "baseline: l2_weight"),
        ({"baseline": {"l2_weight": -1.0}}, "l2_weight must be above 0 and at most 1e+30, got -1.0"),
        ({"baseline": {"name": "eas"}}, "did you mean 'ease'"),
        (
            {"encoder": {"name": "lightgcn"}},
            "config of ease: baseline must stand without encoder, got both; leave one of them out, or write",
        ),
        ({"loss": {"ranking": {"name": "bpr"}}}, "baseline must stand without loss, got both"),
    ],
)
def test_a_wrong_setting_is_one_line(
    settings: dict[str, Any], message: str, shop: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        train(shop, method="ease", settings=settings, out=tmp_path / "run", threads=1)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_somebody_elses_baseline_that_fails_is_named(
    shop: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(interactions: object, *, l2_weight: float = 1.0) -> object:
        raise ArithmeticError("no such thing")

    monkeypatch.setattr("sgl_rec.baselines.ease.Ease", broken)
    with pytest.raises(UserError, match=r"baseline 'ease': must work on a graph of two users .*ArithmeticError"):
        train(shop, method="ease", out=tmp_path / "run", threads=1)


def test_a_late_sum_is_measured_recommended_and_chosen_without_it(tmp_path: Path) -> None:
    settings = {
        "encoder": {"embedding_dim": 8},
        "training": {"max_epochs": 2},
        "late_sum": {"name": "ease", "l2_weight": 10.0, "weight": 2.0},
    }
    run = sgl_rec.train("demo", method="lightgcn", out=tmp_path / "run", settings=settings, threads=1)
    assert run.evaluate()["test"] == run.metrics["test"]
    chosen = run.history.set_index("epoch").loc[run.metrics["epoch"]]
    assert run.metrics["valid"]["ndcg@20"] != chosen["ndcg@20"]
    trained = run.history[["seconds", "seconds_validation"]].to_numpy().sum()
    assert run.metrics["seconds"] == pytest.approx(trained + run.metrics["seconds_late"])
    assert run.metrics["seconds_late"] > 0
    lists = run.recommend([1, 2], k=5)
    assert lists.groupby("user_id").size().tolist() == [5, 5]
    assert len(run.similar([17], k=3)) == 3
