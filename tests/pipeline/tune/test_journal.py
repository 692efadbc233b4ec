"""The trials on disk: whole lines alone count, and only those of the same search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.tune.journal import Trial, TuneJournal

SEARCH = {"seed": 0, "ranges": {"a.b": [1, 2]}}


def trial(number: int, **changes: Any) -> Trial:
    values: dict[str, Any] = {
        "number": number,
        "settings": {"a.b": 1},
        "state": "complete",
        "value": 0.1 + number,
    }
    return Trial(
        **{**values, "epoch": 1, "epochs_run": 2, "seconds": 0.5, "curve": ((1, 0.1), (2, 0.05)), **changes}
    )


@pytest.fixture
def journal(tmp_path: Path) -> TuneJournal:
    made = TuneJournal(tmp_path / "trials.jsonl")
    made.begin(SEARCH)
    made.add(trial(0))
    made.add(trial(1, state="failed", value=None, epoch=None, curve=(), why="no"))
    return made


def test_what_was_written_is_read(journal: TuneJournal) -> None:
    assert journal.read(SEARCH) == [
        trial(0),
        trial(1, state="failed", value=None, epoch=None, curve=(), why="no"),
    ]
    assert TuneJournal(journal.path.with_name("absent")).read(SEARCH) is None


def test_a_kill_at_any_byte_costs_one_line(journal: TuneJournal) -> None:
    whole = journal.path.read_bytes()
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole)):
        journal.path.write_bytes(whole[:cut])
        lines = sum(end <= cut for end in ends)  # a line without its end may be whole, or not
        there = journal.read(SEARCH)
        assert there is None if lines == 0 else there is not None and len(there) == lines - 1, cut
        if there is None:
            journal.begin(SEARCH)
        else:
            journal.add(trial(len(there)))
        again = journal.read(SEARCH)
        assert again is not None
        assert len(again) == (0 if there is None else len(there) + 1)


def test_another_search_is_refused(journal: TuneJournal) -> None:
    with pytest.raises(
        UserError, match=r"jsonl: seed must be 1 as asked for, got 0; use another --out, or begin"
    ):
        journal.read({**SEARCH, "seed": 1})
    with pytest.raises(UserError, match=r"ranges\.a\.b must be \[1, 3\] as asked"):
        journal.read({**SEARCH, "ranges": {"a.b": [1, 3]}})


@pytest.mark.parametrize("lost", [0, 1])
def test_a_journal_with_a_lost_line_is_refused(journal: TuneJournal, lost: int) -> None:
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text("".join([*lines[:lost], "not one\n", *lines[lost + 1 :]]))
    with pytest.raises(UserError, match="must hold what is searched and every trial from 0 on"):
        journal.read(SEARCH)


def test_a_journal_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        TuneJournal(tmp_path).read(SEARCH)
