"""CSV (comma) and TSV (tab) with a header that names ``user_id``, ``item_id`` and optionally more."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from sgl_rec.data.readers.columns import check_names, tidy
from sgl_rec.data.readers.text import read_text
from sgl_rec.errors import UserError, must_be

DELIMITERS = {".csv": ",", ".tsv": "\t"}


def find(path: Path) -> tuple[Path, ...]:
    """The CSV or TSV file at ``path``, or ``interactions.csv`` / ``.tsv`` in that folder, or none."""
    if path.is_dir():
        files = [path / f"interactions{suffix}" for suffix in DELIMITERS]
        return tuple(file for file in files if file.is_file())[:1]
    return (path,) if path.suffix.lower() in DELIMITERS else ()


def read(files: Sequence[Path]) -> pd.DataFrame:
    """Interactions from a header and one line each; other columns are left unread. Fields may be quoted.

    Raises: UserError for missing columns, and for a line that does not fit, by its number.
    """
    (path,) = files
    delimiter = DELIMITERS[path.suffix.lower()]
    text = read_text(path)
    header = next(_rows(text, delimiter, path), (0, []))[1]
    names = check_names(header, where=str(path))
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(text.encode()),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=names,
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _unreadable(text, delimiter, path, error) from error

    def line(row: int) -> str:
        for position, (number, _) in enumerate(_rows(text, delimiter, path)):
            if position == row + 1:
                return f"line {number}"
        return f"row {row + 1}"

    _check_quotes(table, path, line)
    return tidy(_stripped(table), where=str(path), text=True, line=line)


def _check_quotes(table: pa.Table, path: Path, line: Callable[[int], str]) -> None:
    """An id over several lines is a quote that was opened and never closed: it has swallowed what follows."""
    for name in ("user_id", "item_id"):
        several = pc.match_substring(table[name], "\n")
        if pc.any(several).as_py():
            row = pc.index(several, True).as_py()
            length = len(table[name][row].as_py())
            raise must_be(
                f"{path}, up to {line(row)}",
                name,
                "on one line",
                f"{length} characters over several",
                "close the quote it begins with",
            )


def _stripped(table: pa.Table) -> pd.DataFrame:
    """Blanks around a field are no part of an id (as in a ``--users`` file)."""
    columns = {name: pc.utf8_trim_whitespace(table[name]) for name in table.column_names}
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame


def _rows(text: str, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of every line that is not blank; for the header and for messages only."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: the line must be readable fields ({error})") from error


def _unreadable(text: str, delimiter: str, path: Path, error: Exception) -> UserError:
    rows = _rows(text, delimiter, path)
    width = len(next(rows)[1])
    for number, fields in rows:
        if len(fields) != width:
            return must_be(f"{path}, line {number}", "the line", f"{width} fields as in the header", len(fields))
    return UserError(f"{path}: the file must be a readable table ({str(error).splitlines()[0][:160]})")
