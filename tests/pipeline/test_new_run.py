"""Where a new run goes, and what it may replace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.new_run import new_folder
from sgl_rec.pipeline.run_folder import RunFolder


def test_names_of_new_folders_are_unique_and_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = [
        new_folder(None, source="a/b c.csv", method="m:x", overwrite=False, kind=RunFolder).path for _ in range(5)
    ]
    assert len(set(made)) == 5
    for path in made:
        assert path.is_dir()
        assert path.name.startswith("b-c-m-x-")
        assert ":" not in path.name


def test_what_a_killed_write_left_is_ours(run_copy: Path) -> None:
    (run_copy / ".ids.sgl-rec-a1b2c3d4.parquet").write_text("half")
    folder = new_folder(run_copy, source="demo", method="m", overwrite=True, kind=RunFolder)
    folder.clear()
    assert os.listdir(run_copy) == [] or os.listdir(run_copy) == ["lock"]  # noqa: PTH208


def test_other_files_are_not_ours(run_copy: Path) -> None:
    (run_copy / ".hidden").write_text("mine")
    with pytest.raises(UserError, match=r"got other files \(\.hidden\)"):
        new_folder(run_copy, source="demo", method="m", overwrite=True, kind=RunFolder)


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(UserError, match="cannot be made"):
        new_folder(None, source="demo", method="m", overwrite=False, kind=RunFolder)


def test_what_a_start_that_was_killed_left_says_so(run_copy: Path) -> None:
    (run_copy / "config.toml").unlink()
    with pytest.raises(UserError, match="got what is left of a start; use --overwrite"):
        new_folder(run_copy, source="demo", method="m", overwrite=False, kind=RunFolder)
