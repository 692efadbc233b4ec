"""Texts as they were read, and what every reader of them asks of a row."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.data.readers.quoted import Quoted
from sgl_rec.data.readers.text import UNREADABLE, cannot_be_read, encoding_of, no_such_text, open_bytes
from sgl_rec.data.reading import Reading
from sgl_rec.errors import UserError, must_be

MOST_CHARACTERS = 100_000
"""Of one text. What is longer is no sentence, and an encoder sees its beginning alone."""
MOST_LINES = 100
"""Of rows that are left out and named one by one; the others are counted."""
MOST_ROWS = 1 << 26
"""Of one file: a small compressed one can hold any number."""
DELIMITERS = {".csv": ",", ".tsv": "\t"}


Row = TypeVar("Row")


@dataclass(frozen=True, eq=False)
class Texts:
    """N texts in the order of their file; what else there is has a value for each.

    Args:
        other: what says the same (a paraphrase, an entailment), or what ``score`` compares the text with.
        negative: what is like it and means something else (a contradiction).
        label: its class; ``classes`` has their names, in order.
        score: how alike ``text`` and ``other`` are.
        left_out: one line for each row that does not count, saying why.
    """

    text: tuple[str, ...]
    other: tuple[str, ...] | None = None
    negative: tuple[str, ...] | None = None
    label: Int64[Tensor, " N"] | None = None
    classes: tuple[str, ...] = ()
    score: Float[Tensor, " N"] | None = None
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.text)

    def every(self) -> tuple[str, ...]:
        """All texts, in whatever column: what a tokenizer is learnt from."""
        return self.text + (self.other or ()) + (self.negative or ())


class LeftOut:
    """The rows of a file that do not count, as one line each."""

    def __init__(self, path: Path) -> None:
        self._path, self._lines, self._number = path, list[str](), 0

    def add(self, line: int, what: str, rule: str, got: object) -> None:
        self._number += 1
        if self._number <= MOST_LINES:
            self._lines.append(str(must_be(f"{self._path}, line {line}", what, rule, got)))

    def lines(self) -> tuple[str, ...]:
        more = self._number - len(self._lines)
        return (*self._lines, f"{self._path}: {more} more rows are left out") if more else tuple(self._lines)

    def refuse_if_all(self, number: int) -> None:
        """Raises: UserError where ``number``, the rows that count, is 0: with the first row's reason."""
        if number == 0 and self._lines:
            raise UserError(f"{self._lines[0]} (and so all {self._number} rows); nothing is left to read")
        if number == 0:
            raise must_be(str(self._path), "the file", "at least one text", "none")


def fault_of(value: str) -> tuple[str, str] | None:
    """(rule, got) where a value is no text that can be learnt from.

    Example:
        >>> fault_of("A plane is taking off."), fault_of(" ")
        (None, ('a text', 'an empty one'))
    """
    if not value.strip():
        return "a text", "an empty one"
    if len(value) > MOST_CHARACTERS:
        return f"at most {MOST_CHARACTERS} characters", "more"
    if "\0" in value:
        return "a text", "one with a zero byte"
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        return "a text", "one with half of a surrogate pair"
    return None


def number_of(value: str) -> float | None:
    """A finite number, or None. Blanks around it do not count."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def coded(names: list[str]) -> tuple[Int64[Tensor, " N"], tuple[str, ...]]:
    """The class of each and the names of the classes, sorted.

    Example:
        >>> coded(["sport", "art", "sport"])
        (tensor([1, 0, 1]), ('art', 'sport'))
    """
    classes, index = np.unique(np.array(names, dtype=object), return_inverse=True)
    return torch.from_numpy(index.astype(np.int64)), tuple(classes.tolist())


def table_rows(
    path: Path, *, delimiter: str | None, quoting: str | None, encoding: str | None
) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of a file of delimited text.

    Args:
        delimiter: one character or ``tab``; by default that of the suffix.
        quoting: ``rfc4180`` or ``none``; by default ``none`` between tabs, where texts begin with quotes.

    Raises: UserError for a file that cannot be read or decoded, and for quotes that are not closed.
    """
    suffix = suffix_of(path)
    given = Reading(delimiter=delimiter, quoting=quoting, encoding=encoding)
    separator = given.separator or DELIMITERS.get(suffix)
    if separator is None:
        rule = f"said for a file that does not end in {' or '.join(DELIMITERS)}"
        raise must_be(str(path), "the delimiter", rule, "none", "say it, as tab or ;")
    how = quoting or ("none" if separator == "\t" else "rfc4180")
    yield from _limited(path, Quoted(path, encoding_of(path, encoding), separator, how).rows())


def numbered_lines(path: Path, *, encoding: str | None, most: int) -> Iterator[tuple[int, str]]:
    """(its number, the line without blanks around it) of each line that is not blank.

    Args:
        most: characters of a line; a longer one is cut after one more.

    Raises: UserError for a file that cannot be read or decoded.
    """
    spelt = encoding_of(path, Reading(encoding=encoding).encoding)
    try:
        with open_bytes(path) as stream, io.TextIOWrapper(stream, spelt) as text:
            for number, line in _limited(path, enumerate(_cut(text, most), start=1)):
                if line.strip():
                    yield number, line.strip()
    except UnicodeError as error:
        raise no_such_text(path, spelt) from error
    except UNREADABLE as error:
        raise cannot_be_read(path, error) from error


def _cut(text: io.TextIOWrapper, most: int) -> Iterator[str]:
    while line := text.readline(most + 1):
        rest = line
        while rest and not rest.endswith("\n"):
            rest = text.readline(most + 1)
        yield line


def _limited(path: Path, rows: Iterable[Row]) -> Iterator[Row]:
    for count, row in enumerate(rows, start=1):
        if count > MOST_ROWS:
            raise must_be(str(path), "the file", f"of at most {MOST_ROWS} rows", "more", "take a part of it")
        yield row


def suffix_of(path: Path) -> str:
    """In small letters, that of what ``.gz`` holds."""
    return Path(path.name.lower().removesuffix(".gz")).suffix
