"""The folder of a search: its files, and its one writer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sgl_rec.errors import UserError
from sgl_rec.files import is_temporary, lock, remove_leftovers
from sgl_rec.pipeline.tune.journal import TuneJournal


class TuneFolder:
    """``best.toml``, ``trials.csv`` and ``tune.json``, which are made from ``trials.jsonl``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best_file = path / "best.toml"
        self.table_file = path / "trials.csv"
        self.record_file = path / "tune.json"
        self.journal = TuneJournal(path / "trials.jsonl")

    def check(self, *, overwrite: bool) -> None:
        """Whether a search may be written here, asked before any work is done for it.

        Raises: UserError for a file in its place, other files in it, and results without their journal.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"--out: {self.path} must be a folder, got a file; choose another place")
        there = {entry.name for entry in self.path.iterdir()} if self.path.is_dir() else set()
        own = {file.name for file in self._files()}
        strangers = sorted(name for name in there - own - {"lock"} if not is_temporary(name))
        if strangers:
            raise UserError(
                f"--out: {self.path} must be empty or hold a search alone, got other files "
                f"({', '.join(strangers[:3])}); choose another place"
            )
        if there & own and self.journal.path.name not in there and not overwrite:
            raise UserError(
                f"{self.journal.path}: must be there, got results without it; restore it, or begin anew with "
                "--overwrite"
            )

    @contextlib.contextmanager
    def writing(self, *, overwrite: bool) -> Iterator[None]:
        """Be the one writer; what a killed one left half written goes, with ``overwrite`` all of it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--out: {self.path} cannot be made ({error.strerror}); choose another place"
            ) from error
        with lock(self.path / "lock", who=str(self.path)):
            remove_leftovers(self.path)
            if overwrite:
                for file in self._files():
                    file.unlink(missing_ok=True)
            yield

    def _files(self) -> list[Path]:
        """The journal last: results without it are refused."""
        return [self.best_file, self.table_file, self.record_file, self.journal.path]
