"""The catalogue and where each set is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.datasets import describe_dataset, fetch_dataset, list_datasets


def write_gowalla(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for part in ("train", "test"):
        (folder / f"{part}.txt").write_text("0 1 2\n")
    return folder


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SGL_REC_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_states(tmp_path: Path) -> None:
    here = write_gowalla(tmp_path / "cache" / "sgl-rec" / "datasets" / "gowalla")
    states = {listed.entry.name: listed.state for listed in list_datasets()}
    assert states["demo"] == "generated"
    assert states["gowalla"] == str(here)
    assert states["ml-1m"].startswith("to fetch")


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    here = write_gowalla(tmp_path / "cache" / "sgl-rec" / "datasets" / "gowalla")
    assert fetch_dataset("gowalla") == str(here)


def test_unknown_names() -> None:
    for work in (describe_dataset, fetch_dataset):
        with pytest.raises(UserError, match="did you mean 'demo'"):
            work("dmo")
