"""What happened to the cells of a bench, one line an event: appended only, so a kill loses none of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sgl_rec.errors import UserError
from sgl_rec.files import append_line

log = logging.getLogger("sgl_rec")

BEGUN, SCORED, FINISHED, FAILED = "begun", "scored", "finished", "failed"


class Journal:
    """``journal.jsonl``: who reads it knows how often each test part was scored, also of runs that are gone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, cell: str, event: str, facts: Mapping[str, Any] | None = None) -> None:
        """Append an event; it is on disk when this returns. Raises: UserError when it cannot be written."""
        entry = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "cell": cell, "event": event, **(facts or {})}
        append_line(self.path, json.dumps(entry))

    def events(self) -> list[dict[str, Any]]:
        """Every event, in order; a line that is none is left out, and said."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror}); restore it") from error
        found = []
        for number, line in enumerate(lines, start=1):
            entry = _entry(line)
            if entry is not None:
                found.append(entry)
            elif line:
                log.warning("%s, line %d: is no event; the test part may count as scored too seldom",
                            self.path, number)  # fmt: skip
        return found

    def cells(self) -> dict[str, dict[str, Any]]:
        """Of each cell: attempts, how often its test part was scored, peak memory of what is there, its state."""
        cells: dict[str, dict[str, Any]] = {}
        for entry in self.events():
            cell = cells.setdefault(entry["cell"], {"attempts": 0, "test_scored": 0, "peak_memory": None})
            cell["attempts"] += entry["event"] == BEGUN
            cell["test_scored"] += entry["event"] == SCORED
            if entry["event"] == BEGUN and entry.get("anew"):
                cell["peak_memory"] = None
            if isinstance(peak := entry.get("peak_memory"), int):
                cell["peak_memory"] = max(peak, cell["peak_memory"] or 0)
            cell |= {"last": entry["event"], "time": entry.get("time")}
            cell |= {key: entry[key] for key in ("seconds", "error", "sha256") if key in entry}
        return cells


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(entry, dict) and isinstance(entry.get("cell"), str) and isinstance(entry.get("event"), str)
    return entry if whole else None
