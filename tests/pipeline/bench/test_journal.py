"""The journal of a bench: nothing that happened is forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.journal import BEGUN, FINISHED, SCORED, Journal


def test_a_cell_thrown_away_and_trained_anew_counts_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal.cells() == {}
    for peak in (700, 500):
        journal.add("a/b/seed-0", BEGUN, {"anew": True})
        journal.add("a/b/seed-0", SCORED, {"peak_memory": peak - 100})
        journal.add("a/b/seed-0", FINISHED, {"peak_memory": peak, "seconds": 1.5})
    journal.add("a/b/seed-1", BEGUN, {"anew": True})
    cells = journal.cells()
    assert (
        cells["a/b/seed-0"].items() >= {"attempts": 2, "test_scored": 2, "last": FINISHED, "seconds": 1.5}.items()
    )
    assert cells["a/b/seed-0"]["peak_memory"] == 500, "of the run that is there"
    assert cells["a/b/seed-1"].items() >= {"attempts": 1, "test_scored": 0, "peak_memory": None}.items()


def test_a_torn_line_costs_itself_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.add("a", SCORED)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + whole[:20])
    journal.add("a", SCORED)
    assert journal.cells()["a"]["test_scored"] == 2
    assert "line 2: is no event" in caplog.text


def test_what_cannot_be_written_or_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        Journal(tmp_path).add("a", SCORED)
    with pytest.raises(UserError, match="cannot be read"):
        Journal(tmp_path).events()
