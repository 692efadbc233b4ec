"""What every reader hands on (``Raw``), and the same with ids coded and numbers read (``Rows``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sgl_rec.data.readers.coded import Coded, code_ids
from sgl_rec.data.readers.places import Column, Place, row_number
from sgl_rec.data.readers.times import MISSING, timestamps
from sgl_rec.errors import must_be

COLUMNS = ("user_id", "item_id", "rating", "timestamp")
"""The columns of the prepared form."""
PARTS = ("train", "valid", "test")
"""What the column of a fixed split may say."""


@dataclass(frozen=True, eq=False)
class Raw:
    """The columns of a file as they stand in it, under the names they have inside.

    Args:
        columns: ``user_id``, ``item_id``, and as there are ``rating``, ``timestamp``, ``weight``, ``title``,
            ``part``.
        text: they were read from text, so an id's type is told by its spelling.
        line: names the place of a row (from 0) in the file, for messages.
        part: train, valid or test, where the files are a published split.
    """

    where: str
    columns: Mapping[str, Column]
    text: bool = False
    line: Callable[[int], str] = row_number
    part: pd.Categorical | None = None


Optional: TypeAlias = np.ndarray | None


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of a file: ids as codes, all else as numbers.

    Args:
        timestamp: int64, ``times.MISSING`` where a row has none; in ``unit`` where that is known.
        rating, weight: float64, NaN where a row has none.
        title: texts, coded as ids are.
    """

    user: Coded
    item: Coded
    timestamp: Optional = None
    rating: Optional = None
    weight: Optional = None
    title: Coded | None = None
    part: pd.Categorical | None = None
    unit: str | None = None

    def __len__(self) -> int:
        return len(self.user.code)

    def take(self, rows: np.ndarray) -> Rows:
        """The rows at ``rows`` (positions or a mask); codes mean what they meant."""

        def some(value: Any) -> Any:
            if isinstance(value, Coded):
                return Coded(value.code[rows], value.values)
            return value if value is None or isinstance(value, str) else value[rows]

        return Rows(*(some(getattr(self, field.name)) for field in fields(self)))

    def frame(self) -> pd.DataFrame:
        """The columns of the prepared form (and ``part``), of the rows that have both ids."""
        whole = self.take((self.user.code >= 0) & (self.item.code >= 0))
        columns = {"user_id": whole.user.decode(), "item_id": whole.item.decode()}
        given = {"rating": whole.rating, "timestamp": whole.timestamp, "part": whole.part}
        return pd.DataFrame(columns | {name: value for name, value in given.items() if value is not None})


def typed(raw: Raw, *, time_format: str | None = None) -> Rows:
    """Code the ids of a reader's columns and read its numbers and dates; what is missing is marked.

    Raises: UserError for no rows at all, or a value that cannot be one; it names the row.

    Example:
        >>> columns = {"user_id": pd.Series([7, 8, 7]), "item_id": pd.Series(["a", None, "b"])}
        >>> rows = typed(Raw("shop", columns))
        >>> rows.user.code.tolist(), rows.item.code.tolist(), rows.item.values.tolist()
        ([0, 1, 0], [0, -1, 1], ['a', 'b'])
    """
    if len(raw.columns["user_id"]) == 0:
        raise must_be(raw.where, "the data", "at least one interaction", "none")

    def place(name: str) -> Place:
        return Place(raw.where, name, raw.line)

    columns, unit, when = raw.columns, None, None
    if "timestamp" in columns:
        when, unit = timestamps(columns["timestamp"], place("timestamp"), time_format=time_format)
    return Rows(
        user=code_ids(columns["user_id"], place("user_id"), text=raw.text),
        item=code_ids(columns["item_id"], place("item_id"), text=raw.text),
        timestamp=when,
        rating=_numbers(columns["rating"], place("rating")) if "rating" in columns else None,
        weight=_numbers(columns["weight"], place("weight")) if "weight" in columns else None,
        title=_titles(columns["title"]) if "title" in columns else None,
        part=_parts(columns["part"], place("part")) if "part" in columns else raw.part,
        unit=unit,
    )


def part_of_rows(names: Sequence[str], sizes: Sequence[int]) -> pd.Categorical[Any]:
    """The part of every row, where the parts stand one after the other.

    Example:
        >>> list(part_of_rows(["train", "test"], [2, 1]))
        ['train', 'train', 'test']
    """
    parts: pd.Categorical[Any] = pd.Categorical.from_codes(
        np.repeat(np.arange(len(names)), sizes), pd.Index(names)
    )
    return parts


def _numbers(column: Column, place: Place) -> np.ndarray:
    """A column as float64, NaN where it is empty."""
    if isinstance(column, pa.ChunkedArray) and pa.types.is_dictionary(column.type):  # few values, many rows
        whole = column.unify_dictionaries().combine_chunks()
        code = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        values, wrong = _parsed(whole.dictionary.to_pandas())
        if wrong.any() and (rows := np.isin(code, np.flatnonzero(wrong))).any():
            row = int(rows.argmax())
            raise place.error(row, whole.dictionary[code[row]].as_py(), "a number")
        of_rows: np.ndarray = np.append(values, np.nan)[code]
        return of_rows
    series = column.to_pandas() if isinstance(column, pa.ChunkedArray) else column
    numbers, wrong = _parsed(series)
    if wrong.any():
        row = int(wrong.argmax())
        raise place.error(row, series.iloc[row], "a number")
    return numbers


def _parsed(series: pd.Series[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers, and which are none and yet not empty."""
    if pd.api.types.is_bool_dtype(series.dtype) or not pd.api.types.is_numeric_dtype(series.dtype):
        texts = series.astype(str).str.strip()
        empty = (series.isna() | (texts == "")).to_numpy(dtype=bool)
        numbers = pd.to_numeric(texts, errors="coerce")
    else:
        empty, numbers = series.isna().to_numpy(dtype=bool), series
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return values, np.isnan(values) & ~empty


def _parts(column: Column, place: Place) -> pd.Categorical[Any]:
    """The part each row says it is in. Raises: UserError for a row that says another word, or none."""
    coded = _titles(column)
    code = np.append(pd.Index(PARTS).get_indexer(coded.values), -1)[coded.code]
    if (wrong := code < 0).any():
        row = int(wrong.argmax())
        got = coded.values[coded.code[row]] if coded.code[row] >= 0 else ""
        raise place.error(row, got, "train, valid or test")
    parts: pd.Categorical[Any] = pd.Categorical.from_codes(code, pd.Index(PARTS))
    return parts


def _titles(column: Column) -> Coded:
    """Texts as they stand; blanks around them are cut, and an empty one is none."""
    values = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([pa.array(column.astype(str))])
    if not pa.types.is_dictionary(values.type):
        values = pc.cast(values, pa.string()).dictionary_encode()
    return code_ids(values, Place("", "title", row_number), text=False)


__all__ = ["COLUMNS", "MISSING", "Coded", "Raw", "Rows", "typed"]
