"""A search from data to ``best.toml``: on validation alone, whole after any kill, within its budget."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sgl_rec.config import method_file
from sgl_rec.errors import UserError
from sgl_rec.pipeline.prepare import prepare
from sgl_rec.pipeline.train import train
from sgl_rec.pipeline.tune import tune as module
from sgl_rec.pipeline.tune.record import Tuned
from sgl_rec.pipeline.tune.tune import tune
from sgl_rec.settings import read_toml
from sgl_rec.training.interrupt import Interrupted

pytest.importorskip("optuna")

SMALL: dict[str, Any] = {
    "encoder": {"embedding_dim": 4, "num_layers": 1},
    "training": {"max_epochs": 2, "backend": "torch", "batch_size": 64},
    "evaluation": {"k": [5]},
}


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


@pytest.fixture
def search(clicks: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A search of seconds in the working folder."""
    monkeypatch.chdir(tmp_path)
    clicks.to_csv("shop.csv", index=False)

    def run(**changes: Any) -> Tuned:
        usual = {"method": "lightgcn", "out": "out", "trials": 3, "settings": SMALL, "threads": 1}
        return tune(changes.pop("dataset", "shop.csv"), **{**usual, **changes})

    return run


def test_a_search_leaves_a_method_and_its_account(search: Any) -> None:
    tuned = search()
    assert [trial.state for trial in tuned.trials] == ["complete"] * 3
    assert tuned.trials[0].settings == {"loss.penalty.weight": 1e-4, "training.learning_rate": 5e-3}
    assert tuned.best.value == max(trial.value for trial in tuned.trials)
    best = read_toml(tuned.method_file)
    assert best["trials"] == 3
    assert best["training"]["learning_rate"] == tuned.best.settings["training.learning_rate"]
    assert "loss.penalty.weight" in best["tune"]
    table = pd.read_csv("out/trials.csv")
    assert table.columns.tolist() == [
        "trial", "loss.penalty.weight", "training.learning_rate", "ndcg@20", "epoch", "epochs_run", "seconds",
        "state", "why",
    ]  # fmt: skip
    assert table["ndcg@20"].tolist() == [trial.value for trial in tuned.trials]
    assert tuned.table["trial"].tolist() == [0, 1, 2]
    record = json.loads(Path("out/tune.json").read_text())
    assert record["finished"]
    assert record["budget"] == {"trials": 3, "seconds": None}
    assert record["sha256"] == prepare("shop.csv").dataset.sha256
    assert {"optuna", "torch", "processor"} <= record["environment"].keys()
    assert (record["selected_on"], record["test_scored"], record["seed"]) == ("valid", 0, 0)


def test_the_best_is_a_method_that_trains_to_the_same_figure(search: Any) -> None:
    tuned = search()
    run = train(method=str(tuned.method_file), out="run", threads=1)
    assert run.metrics["valid"][tuned.metric] == tuned.best.value
    assert run.metrics["epoch"] == tuned.best.epoch
    written = read_toml(Path("run/config.toml"))
    assert "tune" not in written
    assert written["trials"] == 3
    for number, config in enumerate((Path("run/config.toml"), tuned.method_file)):
        again = train(config=config, out=f"again-{number}", threads=1)
        assert read_toml(again.path / "config.toml") == written


def test_the_test_part_is_never_looked_at(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: Any, **more: Any) -> Any:
        raise AssertionError("the test part was scored")

    for place in ("measure.measure_test", "measure.figures", "train.figures"):
        monkeypatch.setattr(f"sgl_rec.pipeline.{place}", never)
    sizes = []
    real = module.search
    monkeypatch.setattr(module, "search", lambda *a, **k: (sizes.append(len(a[1].test)), real(*a, **k))[1])
    assert len(search().trials) == 3
    assert sizes == [0, 0, 0]


def settings_of(tuned: Tuned) -> list[Any]:
    return [(trial.settings, trial.value, trial.curve) for trial in tuned.trials]


def test_a_search_stopped_anywhere_goes_on_the_same(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search(trials=6, out="whole")
    real = module.search

    def stopped(*arguments: Any, **more: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **more)

    search(trials=2)
    monkeypatch.setattr(module, "search", stopped)
    with pytest.raises(Interrupted):
        search(trials=6)
    monkeypatch.setattr(module, "search", real)
    with Path("out/trials.jsonl").open("ab") as stream:
        stream.write(b'{"number":2,"sett')  # what kill -9 leaves in the midst of a write
    assert settings_of(search(trials=6)) == settings_of(whole)
    assert read_toml(Path("out/best.toml")) == read_toml(Path("whole/best.toml"))
    monkeypatch.setattr(module, "search", stopped)  # nothing is left to train
    assert settings_of(search(trials=6)) == settings_of(whole)


def test_kill_9_and_again(search: Any, tmp_path: Path) -> None:
    whole = search(trials=5, out="whole")
    words = ["--dataset", "shop.csv", "--method", "lightgcn", "--out", "out", "--trials", "5", "--threads", "1"]
    words += ["--max-epochs", "2", "--set", "encoder.embedding_dim=4", "--set", "encoder.num_layers=1"]
    words += ["--set", "training.backend=torch", "--set", "training.batch_size=64", "--set", "evaluation.k=[5]"]
    child = subprocess.Popen([sys.executable, "-m", "sgl_rec", "tune", *words], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while b'"number":0' not in (
        Path("out/trials.jsonl").read_bytes() if Path("out/trials.jsonl").exists() else b""
    ):
        assert child.poll() is None or child.returncode == 0
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.kill()
    child.wait()
    assert settings_of(search(trials=5)) == settings_of(whole)


def test_a_trial_that_fails_is_a_trial(search: Any) -> None:
    ranges = {"training.learning_rate": [5e-3, 1e30]}
    settings = {**SMALL, "loss": {"penalty": {"weight": 1e-4}}}
    tuned = search(ranges=ranges, settings=settings, trials=8)
    assert [trial.state for trial in tuned.trials] == ["complete", "failed"], (
        "and both settings are all there are"
    )
    assert "loss must be finite" in tuned.trials[1].why
    assert tuned.best.number == 0
    assert read_toml(tuned.method_file)["trials"] == 2
    failing = {**settings, "training": {**SMALL["training"], "learning_rate": 1e30}}
    with pytest.raises(
        UserError, match="tune: a trial must succeed, got none, the first: training: loss must be"
    ):
        search(ranges={"encoder.include_layer_0": [True, False]}, settings=failing, out="none")
    assert not Path("none/best.toml").exists()
    assert json.loads(Path("none/tune.json").read_text())["trials"]["failed"] == 2


def test_a_trial_far_behind_is_pruned(search: Any) -> None:
    settings = {**SMALL, "training": {**SMALL["training"], "max_epochs": 7, "warmup": 1, "patience": 7}}
    settings["loss"] = {"penalty": {"weight": 1e-4}}
    tuned = search(
        ranges={"training.learning_rate": [5e-3, 6e-3, 7e-3, 1e-9, 2e-9, 3e-9]}, settings=settings, trials=6
    )
    pruned = [trial for trial in tuned.trials if trial.state == "pruned"]
    assert all(trial.epochs_run < 7 and trial.why.startswith("behind") for trial in pruned)
    assert all(trial.number >= 3 for trial in pruned)
    assert pruned


def test_the_budget_in_seconds(search: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert len(search(seconds=1e-9).trials) == 1
    assert len(search(seconds=1e-9).trials) == 1, "those of earlier calls count"
    assert len(search(seconds=1e9, trials=2).trials) == 2
    assert len(search(trials=1).trials) == 2, "what is there stays"


def test_a_baseline_is_searched_too(search: Any) -> None:
    tuned = search(method="ease", settings={}, trials=2)
    assert [(trial.epoch, trial.epochs_run, len(trial.curve)) for trial in tuned.trials] == [(0, 0, 1)] * 2
    assert tuned.trials[0].settings == {"baseline.l2_weight": 800.0}
    run = train(method="out/best.toml", out="run", threads=1)
    assert run.metrics["valid"]["ndcg@20"] == tuned.best.value


def test_the_best_may_be_searched_on(search: Any) -> None:
    first = search(trials=2)
    second = search(method=str(first.method_file), settings={}, out="further", trials=2)
    assert second.trials[0].settings == first.best.settings
    assert second.trials[0].value == first.best.value
    assert read_toml(second.method_file)["trials"] == 3, "the best of the first search is counted once"


def test_a_warm_start_is_every_trials(search: Any) -> None:
    train("shop.csv", method="lightgcn", settings=SMALL, out="before", threads=1)
    warm = {**SMALL, "training": {**SMALL["training"], "warm_start": "before"}}
    assert search(settings=warm, trials=1).trials[0].value != search(out="cold", trials=1).trials[0].value


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"seed": 1}, "seed must be 1 as asked for, got 0; use another --out"),
        ({"method": "softmax"}, "must be"),
        ({"settings": {**SMALL, "evaluation": {"k": [10]}}}, r"config\.evaluation\.k must be \[10\]"),
        ({"ranges": {"training.batch_size": [32, 64]}}, r"ranges\.training\.batch_size"),
        ({"split": "leave-last-1"}, "timestamp"),
        ({"trials": 0}, "tune: trials must be 1 or more, got 0"),
        ({"seconds": 0}, "tune: seconds must be above 0, got 0"),
        ({"ranges": {"training.batch_size": 3}}, "tune: ranges 'training.batch_size' must be"),
        ({"ranges": {"data.k_core": [1, 2]}}, "can be searched"),
        ({"out": "shop.csv"}, "must be a folder, got a file"),
        ({"out": "."}, "got other files"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(search: Any, changes: Any, fault: str) -> None:
    search(trials=1)
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=fault):
        search(**changes)
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_other_data_is_refused_and_overwrite_begins_anew(search: Any, clicks: pd.DataFrame) -> None:
    first = search(trials=1)
    clicks.iloc[1:].to_csv("shop.csv", index=False)
    with pytest.raises(UserError, match="sha256 must be"):
        search(trials=1)
    again = search(trials=1, overwrite=True)
    assert (len(again.trials), again.trials[0].number) == (1, 0)
    assert first.trials[0].value is not None


def test_a_split_without_validation_is_refused(search: Any) -> None:
    Path("parts").mkdir()
    lines = "\n".join(f"{user} {user} {user + 1}" for user in range(5))
    Path("parts/train.txt").write_text(lines + "\n")
    Path("parts/test.txt").write_text("0 3\n1 4\n")
    with pytest.raises(UserError, match="the split must be one with a validation part, got 'standard'"):
        search(dataset="parts", split="standard", out="no")
    assert not Path("no").exists()


def test_a_method_file_declares_its_ranges(search: Any) -> None:
    text = method_file("lightgcn", dataset="demo").read_text().partition("[tune]")[0]
    Path("mine.toml").write_text(text + "[tune]\ntraining.batch_size = [32, 64]\n")
    tuned = search(method="mine.toml", settings={"training": {"max_epochs": 1, "backend": "torch"}}, trials=2)
    assert list(tuned.trials[0].settings) == ["training.batch_size"]
    assert tuned.trials[0].settings == {"training.batch_size": 2048}, (
        "outside the choices, and tried all the same"
    )


def test_a_late_sum_is_part_of_what_is_compared(search: Any) -> None:
    late = {"late_sum": {"name": "ease", "weight": 0.5, "l2_weight": 1.0}, "evaluation": {"k": [20]}}
    tuned = search(settings={**SMALL, **late}, ranges={"late_sum.weight": {"low": 0.1, "high": 2.0}}, trials=2)
    assert {"late_sum.weight", "training.learning_rate"} <= tuned.trials[0].settings.keys()
    run = train(method=str(tuned.method_file), out="run", threads=1)
    assert run.metrics["valid"]["ndcg@20"] == tuned.best.value
    assert tuned.best.value not in [value for _, value in tuned.best.curve]


@pytest.mark.parametrize(
    ("training", "warmup"),
    [({"max_epochs": 6}, 3), ({"max_epochs": 6, "warmup": 1}, 1), ({"validate_every": 2}, 0)],
)
def test_how_long_a_flat_start_is_waited_for(
    search: Any, monkeypatch: pytest.MonkeyPatch, training: dict[str, int], warmup: int
) -> None:
    waited, real = [], module.Watch
    monkeypatch.setattr(module, "Watch", lambda *a, **k: (waited.append(k["warmup"]), real(*a, **k))[1])
    search(settings={**SMALL, "training": {**SMALL["training"], **training}}, trials=1)
    assert waited == [warmup]
