"""``sgl-rec datasets list|describe|fetch``."""

from __future__ import annotations

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
