"""Text files: their bytes, their encoding, and tables without a header in them."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.csv

from sgl_rec.errors import UserError, must_be

SEPARATOR = "\x1f"  # ASCII's own unit separator: no id or title holds one
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
GZIP = b"\x1f\x8b"
HEADER = ("userid", "itemid", "rating", "timestamp")
"""Words of a header, in small letters and without ``_``."""
UNREADABLE = (OSError, EOFError, zlib.error)
"""What a file that is absent, forbidden, or damaged in its compression raises."""


def cannot_be_read(path: Path, error: Exception) -> UserError:
    """The message for one of ``UNREADABLE``."""
    if isinstance(error, IsADirectoryError):
        return must_be(str(path), "the path", "a file", "a folder", "name the file")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error).split(". Detail")[0]
    return UserError(f"{path}: cannot be read ({reason}); check the file")


def is_gzip(path: Path) -> bool:
    """Whether the file is compressed, told by its first bytes. Raises: UserError when it cannot be read."""
    return _first_bytes(path).startswith(GZIP)


def open_bytes(path: Path) -> BinaryIO:
    """The bytes of a file, uncompressed. Raises: UserError when it cannot be opened."""
    return cast(BinaryIO, gzip.GzipFile(path) if is_gzip(path) else path.open("rb"))


def encoding_of(path: Path, given: str | None) -> str:
    """The encoding that was ``given``, or that of the byte-order mark, or UTF-8."""
    try:
        with open_bytes(path) as stream:
            first = stream.read(4)
    except UNREADABLE as error:
        raise cannot_be_read(path, error) from error
    marked = next((name for mark, name in MARKS.items() if first.startswith(mark)), None)
    if given is not None and given.lower().replace("_", "-") not in ("utf-8", "utf8"):
        return given
    return marked or "utf-8"


def no_such_text(path: Path, encoding: str) -> UserError:
    """The line and the byte that do not decode: lines are told apart as bytes, each is decoded alone."""
    advice = "say its encoding, as latin-1 or cp1252 (--encoding, for texts --set data.encoding)"
    rule = "UTF-8 text" if encoding.startswith("utf-8") else f"text in {encoding}"
    if "\n".encode(encoding) == b"\n" or encoding == "utf-8-sig":
        with open_bytes(path) as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    line.decode(encoding)
                except UnicodeDecodeError as error:
                    got = f"byte 0x{line[error.start]:02x} at its byte {error.start + 1}"
                    return must_be(f"{path}, line {number}", "the file", rule, got, advice)
    return must_be(str(path), "the file", rule, "other bytes", advice)


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises: UserError when it cannot be read or holds nothing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not data.strip():
        raise must_be(str(path), "the file", "at least one line", "an empty file")
    return data


def read_text(path: Path, *, fallback: str | None = None) -> str:
    """The file as UTF-8 text (a byte-order mark is skipped), or in the ``fallback`` encoding.

    Raises: UserError when it is not text; the message names the line.
    """
    data = read_bytes(path)
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise must_be(f"{path}, line {line}", "the file", "text", "a zero byte")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if fallback:
            return data.decode(fallback)
        line = data[: error.start].count(b"\n") + 1
        raise must_be(
            f"{path}, line {line}",
            "the file",
            "UTF-8 text",
            f"byte 0x{data[error.start]:02x}",
            "save it as UTF-8",
        ) from error


def refuse_header(text: str, path: Path) -> None:
    """Of a format without one: the header of a table would be read as ids, without a word."""
    line = next((line for line in text.split("\n") if line.strip()), "")
    if any(word.lower().replace("_", "") in HEADER for word in re.findall(r"\w+", line)):
        advice = "for a table with a header say its --delimiter, or name it .csv or .tsv"
        raise must_be(str(path), "the first line", "ids, not the names of columns", repr(line[:60]), advice)


def split_lines(text: str, *, delimiter: str, names: Sequence[str], required: int, path: Path) -> pa.Table:
    """A table of text from lines of delimited fields without header or quoting.

    All lines have as many fields as the first, which has between ``required`` and ``len(names)``.
    Blank lines are skipped.

    Raises: UserError naming the line that does not fit.
    """
    first = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    width = first.count(delimiter) + 1
    table = text.replace(delimiter, SEPARATOR) if len(delimiter) > 1 else text
    if required <= width <= len(names):
        try:
            return _parse(table, SEPARATOR if len(delimiter) > 1 else delimiter, names[:width])
        except pa.ArrowInvalid:
            pass
    rule = delimiter.join(names[:required]) + "".join(f"[{delimiter}{name}]" for name in names[required:])
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.rstrip("\r")
        if line and (line.count(delimiter) + 1 != width or not required <= width <= len(names)):
            raise must_be(f"{path}, line {number}", "the line", rule, repr(line[:60]))
    raise must_be(str(path), "the lines", rule, "a file that cannot be parsed")


def _parse(text: str, delimiter: str, names: Sequence[str]) -> pa.Table:
    return pyarrow.csv.read_csv(
        io.BytesIO(text.encode()),
        read_options=pyarrow.csv.ReadOptions(column_names=list(names)),
        parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, quote_char=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: column_type(name) for name in names}, strings_can_be_null=False
        ),
    )


def column_type(name: str) -> pa.DataType:
    """How a column of text is kept: each distinct value once, but for times, which seldom repeat."""
    return pa.string() if name == "timestamp" else pa.dictionary(pa.int32(), pa.string())


def line_of_row(text: str, row: int) -> str:
    """The place of the ``row``-th line (from 0) that is not blank."""
    numbers = (number for number, line in enumerate(text.split("\n"), start=1) if line.rstrip("\r"))
    for position, number in enumerate(numbers):
        if position == row:
            return f"line {number}"
    return f"row {row + 1}"


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4)
    except OSError as error:
        raise cannot_be_read(path, error) from error
