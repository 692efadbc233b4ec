"""MovieLens' ``::`` files: ``ratings.dat`` (``user::item::rating::timestamp``) beside ``movies.dat``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sgl_rec.data.readers.columns import COLUMNS, tidy
from sgl_rec.data.readers.text import line_of_row, read_text, split_lines


def find(path: Path) -> tuple[Path, ...]:
    """The ratings at ``path`` (a ``.dat`` file, or a folder that holds ``ratings.dat``), or none."""
    if path.is_dir():
        file = path / "ratings.dat"
        return (file,) if file.is_file() else ()
    return (path,) if path.suffix == ".dat" else ()


def read(files: Sequence[Path]) -> pd.DataFrame:
    """Ratings as they stand; which of them are positive is the catalogue's business.

    Raises: UserError naming the line that is not ``user::item[::rating][::timestamp]``.
    """
    (path,) = files
    text = read_text(path, fallback="latin-1")
    raw = split_lines(text, delimiter="::", names=COLUMNS, required=2, path=path)
    return tidy(raw, where=str(path), text=True, line=lambda row: line_of_row(text, row))


def read_movies(path: Path) -> pd.DataFrame:
    """``item_id`` and ``title`` from ``movies.dat``, ids as text (they are matched, never guessed).

    Raises: UserError naming the line that is not ``item::title[::...]``.
    """
    text = read_text(path, fallback="latin-1")
    raw = split_lines(text, delimiter="::", names=("item_id", "title", "genres"), required=2, path=path)
    return raw[["item_id", "title"]]
