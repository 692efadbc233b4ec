"""Text with one row a line: CSV, TSV, any one delimiter; with a header, or headerless; RecBole's ``.inter``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from sgl_rec.data.readers.columns import Raw
from sgl_rec.data.readers.text import (
    UNREADABLE,
    cannot_be_read,
    column_type,
    encoding_of,
    is_gzip,
    open_bytes,
)
from sgl_rec.data.reading import AS_IT_IS, Reading
from sgl_rec.errors import UserError, must_be

DELIMITERS = {".csv": ",", ".tsv": "\t", ".inter": "\t"}
GUESSED = (",", ";", "\t", "|")
LONGEST = 1 << 20  # bytes of a first line that is looked at for its delimiter


def find(path: Path) -> tuple[Path, ...]:
    """The CSV, TSV or ``.inter`` file at ``path`` (or its ``.gz``), or ``interactions.csv`` / ``.tsv`` there."""
    if path.is_dir():
        files = [path / f"interactions{suffix}" for suffix in (".csv", ".tsv")]
        return tuple(file for file in files if file.is_file())[:1]
    return (path,) if _suffix(path) in DELIMITERS else ()


def scan(files: Sequence[Path], reading: Reading = AS_IT_IS) -> Raw:
    """The columns that ``reading`` asks for; others are left unread. Fields may be quoted.

    Raises: UserError for missing columns, and for a line that does not fit or decode, by its number.
    """
    (path,) = files
    layout = _Layout.of(path, reading)
    names = reading.choose(layout.names, where=str(path))
    table = _read(layout, names)
    return Raw(str(path), {name: table[name] for name in names}, text=True, line=layout.line_of)


def read_table(path: Path, names: dict[str, str], reading: Reading) -> pa.Table:
    """Some columns of a file with a header (inside -> in the file), as dictionary-encoded text."""
    return _read(_Layout.of(path, reading), names)


def header_of(path: Path, reading: Reading) -> list[str]:
    """The names of a file's columns."""
    return _Layout.of(path, reading).names


@dataclass(frozen=True)
class _Layout:
    """What must be known of a file before it is parsed."""

    path: Path
    encoding: str
    delimiter: str
    names: list[str]
    headerless: bool

    @classmethod
    def of(cls, path: Path, reading: Reading) -> _Layout:
        encoding = encoding_of(path, reading.encoding)
        delimiter = reading.separator or _guess(path, encoding)
        first = next(_rows(path, encoding, delimiter), (0, []))[1]
        if not any(field.strip() for field in first):
            raise must_be(str(path), "the file", "at least one line", "an empty file")
        if any("\0" in field for field in first):
            raise must_be(f"{path}, line 1", "the file", "text", "a zero byte", "say its --encoding, as utf-16")
        if reading.columns is None:
            names = [field.strip() for field in first]
            if _suffix(path) == ".inter":  # name:type
                names = [name.split(":")[0] for name in names]
            return cls(path, encoding, delimiter, names, headerless=False)
        if len(reading.columns) != len(first):
            rule, given = f"as many as the first line has fields ({len(first)})", ",".join(reading.columns)
            raise must_be(str(path), "--columns", rule, f"{len(reading.columns)} ({given})")
        return cls(path, encoding, delimiter, list(reading.columns), headerless=True)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        return _rows(self.path, self.encoding, self.delimiter)

    def line_of(self, row: int) -> str:
        """The place of a row of data (from 0)."""
        for position, (number, _) in enumerate(self.rows()):
            if position == row + (not self.headerless):
                return f"line {number}"
        return f"row {row + 1}"


def _read(layout: _Layout, names: dict[str, str]) -> pa.Table:
    """The columns ``names`` (inside -> in the file) under their names inside. Streams: the text is never held."""
    # A column is known by its place: names may repeat, or be spelt otherwise in a header (name:type).
    places = [f"f{number}" for number in range(len(layout.names))]
    chosen = {name: places[layout.names.index(own)] for name, own in names.items()}
    try:
        with pa.input_stream(str(layout.path), compression="gzip" if is_gzip(layout.path) else None) as stream:
            table = pyarrow.csv.read_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(
                    column_names=places,
                    skip_rows_after_names=0 if layout.headerless else 1,
                    encoding="utf8" if layout.encoding in ("utf-8", "utf-8-sig") else layout.encoding,
                ),
                parse_options=pyarrow.csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types={place: column_type(name) for name, place in chosen.items()},
                    include_columns=list(chosen.values()),
                    strings_can_be_null=False,
                ),
            )
    except (pa.ArrowException, UnicodeError, *UNREADABLE) as error:
        raise _explained(layout, error) from error
    _refuse_open_quote(layout)
    return table.rename_columns(list(chosen))


def _refuse_open_quote(layout: _Layout) -> None:
    """A quote that is never closed swallows every row after it, which the parser takes for one long field.

    Raises: UserError naming the line it stands in. Only an odd number of quotes is worth the slower look.
    """
    with open_bytes(layout.path) as stream:
        count = sum(block.count(b'"') for block in iter(lambda: stream.read(1 << 20), b""))
    if count % 2 == 0:
        return
    number = 0
    with open_bytes(layout.path) as stream, io.TextIOWrapper(stream, layout.encoding, newline="") as text:
        reader = csv.reader(text, delimiter=layout.delimiter, strict=True)
        try:
            for _ in reader:
                number = reader.line_num
        except csv.Error as error:
            if "end of data" in str(error):
                advice = "close it, or leave it out"
                got = f"one that is open to the end, {reader.line_num - number} lines"
                raise must_be(f"{layout.path}, line {number + 1}", "a quote", "closed", got, advice) from error


def _suffix(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _guess(path: Path, encoding: str) -> str:
    """The delimiter the first line has most of (outside of quotes), by default the one of the suffix."""
    default = DELIMITERS.get(_suffix(path), ",")
    try:
        with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding, errors="replace") as text:
            first = next((line for line in iter(lambda: text.readline(LONGEST), "") if line.strip()), "")
    except UnicodeError as error:
        raise _no_such_text(path, encoding) from error
    except UNREADABLE as error:
        raise cannot_be_read(path, error) from error
    bare = "".join(first.split('"')[::2])
    return max((default, *GUESSED), key=bare.count)


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of every line that is not blank; for the header and for messages only."""
    reader, number = None, 0
    try:
        with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
            reader = csv.reader(text, delimiter=delimiter)
            for fields in reader:
                number = reader.line_num
                if fields:
                    yield number, fields
    except csv.Error as error:
        raise UserError(f"{path}, line {number + 1}: the line must be readable fields ({error})") from error
    except UnicodeError as error:
        raise _no_such_text(path, encoding) from error
    except UNREADABLE as error:
        raise cannot_be_read(path, error) from error


def _no_such_text(path: Path, encoding: str) -> UserError:
    """The line and the byte that do not decode: lines are told apart as bytes, each is decoded alone."""
    advice = "say what it is with --encoding, for example latin-1 or cp1252"
    if encoding.startswith("utf-8"):
        with open_bytes(path) as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    got = f"byte 0x{line[error.start]:02x} at its byte {error.start + 1}"
                    return must_be(f"{path}, line {number}", "the file", "UTF-8 text", got, advice)
    return must_be(str(path), "the file", f"text in {encoding}", "other bytes", advice)


def _explained(layout: _Layout, error: Exception) -> UserError:
    """Look for the line that is to blame; the file is read once more, by a slower parser."""
    width = len(layout.names)
    for number, fields in layout.rows():
        if len(fields) != width:
            rule = f"{width} fields as in the {'first line' if layout.headerless else 'header'}"
            return must_be(f"{layout.path}, line {number}", "the line", rule, len(fields))
    if isinstance(error, UNREADABLE) and not isinstance(error, pa.ArrowException):
        return cannot_be_read(layout.path, error)
    return UserError(f"{layout.path}: the file must be a readable table ({str(error).splitlines()[0][:160]})")
