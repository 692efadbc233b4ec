"""``sgl-rec tune``: words in, a method out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sgl_rec.pipeline.tune.journal import Trial

pytest.importorskip("optuna")

TWO = ("tune", "--dataset", "shop.csv", "--method", "lightgcn", "--trials", "2", "--threads", "1")
SMALL = ("--max-epochs", "1", "--set", "encoder.embedding_dim=4", "--set", "training.backend=torch")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a file of a log."""
    monkeypatch.chdir(tmp_path)
    rows = {(f"u{user}", (user * 7 + step * 3) % 13) for user in range(20) for step in range(7)}
    pd.DataFrame(sorted(rows), columns=["who", "item_id"]).to_csv("shop.csv", index=False)
    return tmp_path


WHO = ("--user-column", "who")


def test_the_best_goes_to_stdout_and_all_else_to_stderr(call: Any, shop: Path) -> None:
    result = call(*TWO, *SMALL, *WHO, "--out", "out")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert lines[0].split()[:2] == ["own", "best:"]
    assert [line.split()[0] for line in lines[1:4]] == [
        "encoder.num_layers", "loss.penalty.weight", "training.learning_rate",
    ]  # fmt: skip
    assert lines[4].startswith("valid ndcg@20")
    said = result.err.splitlines()[-3:]  # after what is said of the data
    assert [line.partition(":")[0] for line in said] == ["trial 0 of 2", "trial 1 of 2", "next"]
    assert said[2] == "next: sgl-rec train --method out/best.toml"
    again = call(*TWO, *SMALL, *WHO, "--out", "out", "--quiet")
    assert (again.code, again.out, again.err) == (0, result.out, "")
    more = call(*TWO, *SMALL, *WHO, "--out", "out", "--trials", "3")
    assert "trial 2 of 3" in more.err
    assert call("train", "--method", "out/best.toml", "--out", "run", "--threads", "1").code == 0


def test_ranges_of_the_command_line(call: Any, shop: Path) -> None:
    words = ("--range", "loss.penalty.weight=1e-5:1e-3:log", "--range", "training.batch_size=32,64")
    fixed = ("--set", "training.learning_rate=1e-3", "--set", "encoder.num_layers=1", "--verbose")
    result = call(*TWO, *SMALL, *WHO, *words, *fixed, "--out", "out")
    assert result.code == 0, result.err
    assert "training.learning_rate is set, and not searched" in result.err
    assert pd.read_csv("out/trials.csv").columns[1:4].tolist() == [
        "loss.penalty.weight", "training.batch_size", "ndcg@20",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--range training.lr=1:2", "'training.lr' must be a setting of the method"),
        ("--range x", "--range: range must be key=low:high"),
        ("--range training.learning_rate=2:1", "--range: 'training.learning_rate' must have low below high"),
        ("--trials 0", "--trials"),
        ("--seconds 0", "--seconds"),
        ("--seed -1", "--seed"),
        ("--method popularity", "must have a range to search"),
        ("--method nosuch", "--method: name must be a known method"),
        ("--set training.sead=1", "did you mean 'seed'"),
        ("--out shop.csv", "must be a folder, got a file"),
        ("--out .", "got other files (shop.csv)"),
        ("--device tpu", "--device"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_is_written(call: Any, shop: Path, words: str, fault: str) -> None:
    before = sorted(shop.rglob("*"))
    assert fault in call(*TWO, *WHO, "--out", "out", *words.split()).fault
    assert sorted(shop.rglob("*")) == before


def test_ctrl_c_says_what_goes_on(call: Any, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("sgl_rec.pipeline.tune.tune.search", interrupted)
    result = call(*TWO, *SMALL, *WHO, "--out", "out")
    assert (result.code, result.err.splitlines()[-1]) == (
        130,
        "Interrupted; the same command goes on with this trial",
    )


def test_a_first_trial_without_a_figure_is_a_dash() -> None:
    from sgl_rec.cli.tune import summary
    from sgl_rec.pipeline.tune.record import Tuned

    facts: dict[str, Any] = {"epochs_run": 1, "seconds": 1.0}
    trials = (
        Trial(number=0, settings={"a.b": 1}, state="failed", value=None, epoch=None, why="no", **facts),
        Trial(number=1, settings={"a.b": 2}, state="complete", value=0.25, epoch=1, **facts),
    )
    assert summary(Tuned(Path("out"), "ndcg@20", trials)).splitlines() == [
        "               own  best: trial 1",
        "a.b            1    2",
        "valid ndcg@20  -    0.2500",
    ]
