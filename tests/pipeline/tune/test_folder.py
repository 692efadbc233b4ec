"""The folder of a search: what may lie in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.files import BusyError
from sgl_rec.pipeline.tune.folder import TuneFolder


def test_a_new_and_an_empty_place_are_fine(tmp_path: Path) -> None:
    TuneFolder(tmp_path / "new").check(overwrite=False)
    TuneFolder(tmp_path).check(overwrite=False)
    with TuneFolder(tmp_path / "a/b").writing(overwrite=False):
        assert (tmp_path / "a/b/lock").is_file()


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_files_of_another_are_not_touched(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match=r"must be empty or hold a search alone, got other files \(thesis\.tex\)"):
        TuneFolder(tmp_path).check(overwrite=overwrite)
    with pytest.raises(UserError, match="must be a folder, got a file"):
        TuneFolder(tmp_path / "thesis.tex").check(overwrite=overwrite)
    with (
        pytest.raises(UserError, match="cannot be made"),
        TuneFolder(tmp_path / "thesis.tex/x").writing(overwrite=False),
    ):
        pass


def test_results_without_their_journal_are_refused(tmp_path: Path) -> None:
    folder = TuneFolder(tmp_path)
    folder.best_file.write_text("")
    with pytest.raises(UserError, match=r"trials\.jsonl: must be there, got results without it"):
        folder.check(overwrite=False)
    folder.check(overwrite=True)
    (tmp_path / ".best.sgl-rec-abcdefgh.toml").write_text("half")  # by a killed write
    with folder.writing(overwrite=True):
        assert [entry.name for entry in tmp_path.iterdir()] == ["lock"]


def test_one_writer(tmp_path: Path) -> None:
    one, other = TuneFolder(tmp_path), TuneFolder(tmp_path)
    with one.writing(overwrite=False), pytest.raises(BusyError), other.writing(overwrite=True):
        pass
