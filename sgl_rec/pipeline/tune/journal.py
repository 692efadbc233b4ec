"""The trials of a search, one line each: appended only, so a kill loses none but the one it interrupts."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pydantic

from sgl_rec.errors import UserError, must_be
from sgl_rec.files import append_line
from sgl_rec.settings import flat

log = logging.getLogger("sgl_rec")

State: TypeAlias = Literal["complete", "pruned", "failed"]

SEARCH = "search"
"""The key of the first line, which says what is searched."""


class Trial(pydantic.BaseModel):
    """One setting that was tried.

    Args:
        number: counted from 0, which is the method's own setting.
        settings: what was searched over, by dotted key.
        value, epoch: the best validation metric (with the late sum, where the method has one) and its epoch; None
            where there was none.
        epochs_run: that were trained (0 for a baseline).
        why: of a trial that was pruned or failed.
        curve: (epoch, validation metric) of every validation, without a late sum.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    number: int = pydantic.Field(ge=0)
    settings: dict[str, Any]
    state: State
    value: float | None
    epoch: int | None
    epochs_run: int
    seconds: float
    why: str = ""
    curve: tuple[tuple[int, float], ...] = ()


class TuneJournal:
    """``trials.jsonl``: first what is searched, then every trial that ended, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, search: Mapping[str, Any]) -> None:
        """Say what is searched."""
        append_line(self.path, json.dumps({SEARCH: search}))

    def add(self, trial: Trial) -> None:
        """Append a trial; it is on disk when this returns."""
        append_line(self.path, trial.model_dump_json())

    def read(self, search: Mapping[str, Any]) -> list[Trial] | None:
        """The trials there are; None where nothing has begun.

        Raises: UserError for those of another search, a damaged journal, or one that cannot be read.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UserError(f"{self.path}: cannot be read ({error.strerror}); restore it") from error
        begun, trials = None, []
        for line in lines:
            entry = _entry(line)  # what a kill left of a line is none
            if isinstance(entry, Trial):
                trials.append(entry)
            elif entry is not None and begun is None:
                begun = entry
        if begun is None and not trials:
            return None
        if begun is None or [trial.number for trial in trials] != list(range(len(trials))):
            raise UserError(
                f"{self.path}: must hold what is searched and every trial from 0 on, got others; restore it, or "
                "begin anew with --overwrite"
            )
        self._check_same(begun, search)
        return trials

    def _check_same(self, begun: Mapping[str, Any], search: Mapping[str, Any]) -> None:
        there, asked = dict(flat(begun)), dict(flat(json.loads(json.dumps(search))))
        for key in sorted({*there, *asked}):
            if there.get(key) != asked.get(key):
                raise must_be(
                    str(self.path), key, f"{asked.get(key)!r} as asked for", repr(there.get(key)),
                    "use another --out, or begin anew with --overwrite",
                )  # fmt: skip


def _entry(line: bytes) -> Trial | dict[str, Any] | None:
    try:
        values = json.loads(line)
        if isinstance(values, dict) and isinstance(values.get(SEARCH), dict):
            return dict(values[SEARCH])
        return Trial.model_validate_json(line)
    except (ValueError, RecursionError):  # pydantic's error is a ValueError
        return None
