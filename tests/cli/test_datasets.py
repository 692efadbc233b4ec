"""``sgl-rec datasets list|describe|fetch``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NAMES = ["demo", "ml-1m", "gowalla", "yelp2018", "amazon-book", "alibaba-ifashion", "movietweetings"]


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SGL_REC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_list_names_all_and_says_what_is_unverified(call: Any) -> None:
    result = call("datasets", "list")
    assert (result.code, result.err) == (0, "")
    rows = {line.split()[0]: line for line in result.out.splitlines()[1:]}
    assert sorted(rows) == sorted(NAMES)
    assert rows["demo"].endswith("generated")
    assert rows["ml-1m"].split()[1:4] == ["6,039", "3,628", "836,478"]
    assert rows["ml-1m"].split()[4:] == ["unverified", "to", "fetch"]


def test_list_says_where_data_is(call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data" / "gowalla").mkdir(parents=True)
    for part in ("train", "test"):
        (tmp_path / "data" / "gowalla" / f"{part}.txt").write_text("0 1 2\n")
    monkeypatch.setenv("SGL_REC_DATA", str(tmp_path / "data"))
    rows = {line.split()[0]: line for line in call("datasets", "list").out.splitlines()}
    assert rows["gowalla"].endswith(str(tmp_path / "data" / "gowalla"))


@pytest.mark.parametrize("name", NAMES)
def test_describe_says_licence_counts_and_where_from(call: Any, name: str) -> None:
    result = call("datasets", "describe", name)
    assert (result.code, result.err) == (0, "")
    for word in ("counts", "licence", "here"):
        assert f"\n{word} " in result.out
    assert name == "demo" or "\nsource   http" in result.out


def test_describe_says_the_protocol(call: Any) -> None:
    assert "split    lightgcnpp: train items leave the ranking" in call("datasets", "describe", "ml-1m").out


@pytest.mark.parametrize("verb", ["describe", "fetch"])
def test_an_unknown_name_names_the_nearest(call: Any, verb: str) -> None:
    assert "did you mean 'gowalla'" in call("datasets", verb, "gowala").fault


def test_what_is_generated_needs_no_fetch(call: Any) -> None:
    result = call("datasets", "fetch", "demo")
    assert (result.code, result.out) == (0, "demo is generated: there is nothing to fetch\n")


def test_prepare_then_split_then_train(call: Any, tmp_path: Path) -> None:
    result = call("datasets", "prepare", "demo", "--out", "mine")
    assert (result.code, result.out) == (
        0,
        "mine: 2,000 users, 1,000 items, 60,000 interactions\n60,000 read, 60,000 kept\n",
    )
    result = call("datasets", "split", "mine", "--split", "leave-last-1", "--seed", "7", "--name", "last")
    assert result.code == 0
    assert result.out.splitlines() == [
        "mine/split_last.parquet: train 56,000, valid 2,000, test 2,000",
        "use it: sgl-rec train --dataset mine --split last",
    ]
    fast = ("--method", "lightgcn", "--max-epochs", "1", "--set", "encoder.embedding_dim=8", "--threads", "1")
    assert call("train", "--dataset", "mine", "--split", "last", *fast, "--out", "run").code == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    told = {"split": "last", "rule": "leave-last-1", "split_seed": 7, "users_whole_in_train": 0}
    assert told.items() <= metrics["protocol"].items()
    assert call("train", "--dataset", "demo", "--split", "leave-last-1", *fast, "--out", "other",
                "--set", "data.split_seed=7").code == 0  # fmt: skip
    assert json.loads((tmp_path / "other" / "metrics.json").read_text())["test"] == metrics["test"]
    again = call("evaluate", "run")
    assert f"{metrics['test']['ndcg@20']:.4f}" in again.out


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("prepare", "nowhere.csv", "--out", "x"), "'nowhere.csv' must be in the catalogue or hold interactions"),
        (
            ("split", "demo", "--split", "global-tim", "--out", "x"),
            "--split: the split must be a rule to draw",
        ),
        (("split", "demo", "--split", "random", "--out", "x", "--name", "../y"), "--name: the name of a stored"),
        (("split", "demo", "--split", "random", "--out", "x", "--valid-share", "nan"), "valid_share"),
        (("split", "demo", "--split", "leave-last-99", "--out", "x"), "at least 199 interactions of some user"),
        (("split", "demo", "--split", "random"), "--out: must be given"),
    ],
)
def test_faults_leave_nothing(call: Any, tmp_path: Path, words: tuple[str, ...], fault: str) -> None:
    result = call("datasets", *words)
    assert result.code == 2
    assert fault in result.err
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []
