"""Tables with texts in columns: with a label, in pairs, with a hard negative, scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from sgl_rec.data.texts.rows import LeftOut, Texts, coded, fault_of, number_of, table_rows
from sgl_rec.errors import must_be, nearest

TAB = "\t"


def read_table(
    path: Path,
    *,
    text_column: str = "text",
    other_column: str | None = None,
    negative_column: str | None = None,
    label_column: str | None = None,
    score_column: str | None = None,
    columns: Sequence[str] = (),
    delimiter: str | None = None,
    quoting: str | None = None,
    encoding: str | None = None,
) -> Texts:
    r"""The texts of a CSV or TSV file, and what other columns say of them. The file may be compressed (gzip).

    A row that lacks one of the columns that were asked for, or has no text or no number there, is left out.

    Args:
        text_column, other_column, negative_column, label_column, score_column: what they are called in the file;
            see ``Texts``. Those without a name are not read.
        columns: names of the columns of a file without a header; rows may have more fields behind them.
        delimiter: one character or ``tab``; by default that of ``.csv`` or ``.tsv``.
        quoting: ``rfc4180`` or ``none``; by default ``none`` between tabs.
        encoding: by default UTF-8, or what the byte-order mark says.

    Raises: UserError for a column that is not there, a file that cannot be read, and one without a text.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("text,topic\nA goal in the last minute.,sport\nA new play.,art\n")
        >>> texts = read_table(path, label_column="topic")
        >>> texts.text, texts.label, texts.classes
        (('A goal in the last minute.', 'A new play.'), tensor([1, 0]), ('art', 'sport'))
    """
    asked = {
        "text": text_column, "other": other_column, "negative": negative_column, "label": label_column,
        "score": score_column,
    }  # fmt: skip
    rows = table_rows(path, delimiter=delimiter, quoting=quoting, encoding=encoding)
    layout = Layout.of(path, rows, columns=columns)
    places = {part: layout.place(name) for part, name in asked.items() if name is not None}
    left_out = LeftOut(path)
    kept: list[list[str]] = []
    for number, fields in rows:
        if fault := layout.fault_of(fields) or _fault(fields, places, layout.names):
            left_out.add(number, *fault)
        else:
            kept.append([fields[place].strip() for place in places.values()])
    left_out.refuse_if_all(len(kept))
    found = dict(zip(places, zip(*kept, strict=True), strict=True))
    label, classes = coded(list(found["label"])) if "label" in found else (None, ())
    score = torch.tensor([float(value) for value in found["score"]]) if "score" in found else None
    sides = {part: found[part] for part in ("other", "negative") if part in found}
    return Texts(found["text"], **sides, label=label, classes=classes, score=score, left_out=left_out.lines())


def column_names(
    path: Path, *, delimiter: str | None = None, quoting: str | None = None, encoding: str | None = None
) -> tuple[str, ...]:
    """The names in the first row. Raises: UserError as ``read_table``."""
    rows = table_rows(path, delimiter=delimiter, quoting=quoting, encoding=encoding)
    return Layout.of(path, rows, columns=()).names


@dataclass(frozen=True)
class Layout:
    """What the columns of a table are called.

    Args:
        headerless: whether the names were given. Then a row may have more fields than there are names.
    """

    path: Path
    names: tuple[str, ...]
    headerless: bool

    @classmethod
    def of(cls, path: Path, rows: Iterator[tuple[int, list[str]]], *, columns: Sequence[str]) -> Layout:
        """By the ``columns`` given, else by the first of the rows, which is taken."""
        if columns:
            return cls(path, tuple(columns), headerless=True)
        _, header = next(rows, (1, []))
        if not any(name.strip() for name in header):
            raise must_be(str(path), "the file", "at least one line", "an empty file")
        return cls(path, tuple(name.strip() for name in header), headerless=False)

    def place(self, name: str) -> int:
        """Raises: UserError unless exactly one column is called so."""
        if (number := self.names.count(name)) != 1:
            rule = f"one called {name!r}"
            got = f"{number} of them" if number else ", ".join(self.names)[:200]
            advice = "" if number else self._advice(name)
            raise must_be(str(self.path), "its columns", rule, got, advice)
        return self.names.index(name)

    def _advice(self, name: str) -> str:
        """The nearest name, or where there is one column alone what it may hold."""
        if len(self.names) == 1 and (found := [sign for sign in ";,|\t" if sign in self.names[0]]):
            return f"say what is between them, as data.delimiter={'tab' if found[0] == TAB else found[0]}"
        return nearest(name, self.names)

    def fault_of(self, fields: Sequence[str]) -> tuple[str, str, str] | None:
        """(what, rule, got) of a row with another number of fields."""
        width = len(self.names)
        if len(fields) < width or (len(fields) > width and not self.headerless):
            rule = f"of at least {width} fields" if self.headerless else f"of {width} fields as the header"
            return "the row", rule, str(len(fields))
        return None


def _fault(fields: Sequence[str], places: dict[str, int], names: Sequence[str]) -> tuple[str, str, str] | None:
    for part, place in places.items():
        if part == "score":
            if number_of(fields[place]) is None:
                return names[place], "a number", repr(fields[place][:60])
        elif fault := fault_of(fields[place]):
            return names[place], *fault
    return None
