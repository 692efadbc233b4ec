"""MovieLens' ``::`` files: ``ratings.dat`` (``user::item::rating::timestamp``) beside ``movies.dat``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sgl_rec.data.readers.columns import COLUMNS, Raw
from sgl_rec.data.readers.text import line_of_row, read_text, refuse_header, split_lines
from sgl_rec.data.reading import AS_IT_IS, Reading


def find(path: Path) -> tuple[Path, ...]:
    """The ratings at ``path`` (a ``.dat`` file, or a folder that holds ``ratings.dat``), or none."""
    if path.is_dir():
        file = path / "ratings.dat"
        return (file,) if file.is_file() else ()
    return (path,) if path.suffix == ".dat" else ()


def scan(files: Sequence[Path], reading: Reading = AS_IT_IS) -> Raw:
    """Ratings as they stand; which of them are positive is said elsewhere.

    Raises: UserError naming the line that is not ``user::item[::rating][::timestamp]``.
    """
    (path,) = files
    text = read_text(path, fallback="latin-1")
    refuse_header(text, path)
    table = split_lines(text, delimiter="::", names=COLUMNS, required=2, path=path)
    reading.check_unnamed(table.column_names, where=str(path))

    def line(row: int) -> str:  # for a message only: the text is read again and not held
        return line_of_row(read_text(path, fallback="latin-1"), row)

    return Raw(str(path), {name: table[name] for name in table.column_names}, text=True, line=line)


def read_movies(path: Path) -> pd.DataFrame:
    """``item_id``, ``title`` and ``genres`` from ``movies.dat``, ids as text (they are matched, never guessed).

    Raises: UserError naming the line that is not ``item::title[::...]``.
    """
    text = read_text(path, fallback="latin-1")
    raw = split_lines(text, delimiter="::", names=("item_id", "title", "genres"), required=2, path=path)
    return pd.DataFrame({name: raw[name].to_pandas().fillna("").astype(str) for name in raw.column_names})
