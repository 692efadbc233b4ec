"""What every reader hands on: a frame with ``user_id``, ``item_id`` and optionally ``rating``, ``timestamp``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sgl_rec.errors import UserError, must_be

REQUIRED = ("user_id", "item_id")
COLUMNS = (*REQUIRED, "rating", "timestamp")


def check_names(names: Sequence[object], *, where: str) -> list[str]:
    """The columns of ``COLUMNS`` that are there. Names are never guessed: a ``userId`` is not a ``user_id``.

    Raises: UserError when an id column is missing, or a wanted name stands twice.

    Example:
        >>> check_names(["item_id", "price", "user_id"], where="shop.csv")
        ['user_id', 'item_id']
    """
    found = list(names)
    if any(name not in found for name in REQUIRED):
        listed = ", ".join(repr(str(name)) for name in found[:20]) or "none"
        raise UserError(
            f"{where}: columns must be user_id, item_id and optionally rating, timestamp, "
            f"got {listed}; rename the columns that hold them"
        )
    for name in COLUMNS:
        if found.count(name) > 1:
            raise must_be(where, "column names", "distinct", f"{name!r} twice", "remove one")
    return [name for name in COLUMNS if name in found]


def tidy(
    frame: pd.DataFrame,
    *,
    where: str,
    text: bool = False,
    line: Callable[[int], str] = lambda row: f"row {row + 1}",
) -> pd.DataFrame:
    """Check a raw frame and give its columns their types; rows keep their order and are numbered anew.

    Ids become int64 or text, ``rating`` float64, ``timestamp`` int64 (dates become unix seconds).

    Args:
        text: the frame was read from a text file, so an id's type is told by its spelling (``ids_from_text``).
        line: names the place of a row (0-based) in the file, for messages.

    Raises: UserError for a missing column, no rows, or a value that cannot be one; it names the row.

    Example:
        >>> tidy(pd.DataFrame({"user_id": ["7", "8"], "item_id": ["07", "8"]}), where="x", text=True).iloc[0]
        user_id     7
        item_id    07
        Name: 0, dtype: object
    """
    names = check_names(list(frame.columns), where=where)
    if frame.empty:
        raise must_be(where, "the data", "at least one interaction", "none")
    columns: dict[str, pd.Series[Any]] = {}
    for name in names:
        column = frame[name].reset_index(drop=True)
        place = _Place(where, name, line)
        if name in REQUIRED:
            _refuse_missing(column, place)
            columns[name] = ids_from_text(column) if text else _typed_ids(column, place)
        elif name == "rating":
            columns[name] = _ratings(column, place)
        else:
            columns[name] = _timestamps(column, place)
    return pd.DataFrame(columns)


def ids_from_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """Ids spelt in text: int64 if every one of them is the canonical spelling of an integer, else text.

    So ``0104257`` keeps its zeros, and with it the whole column stays text.

    Example:
        >>> ids_from_text(pd.Series(["3", "-1"])).tolist(), ids_from_text(pd.Series(["3", "01"])).tolist()
        ([3, -1], ['3', '01'])
    """
    values = pa.array(column, type=pa.string())
    try:
        numbers = pc.cast(values, pa.int64())
    except pa.ArrowInvalid:
        return column.astype(str)
    if not pc.all(pc.equal(pc.cast(numbers, pa.string()), values)).as_py():
        return column.astype(str)
    return pd.Series(numbers.to_numpy(zero_copy_only=False))


class _Place:
    """Where a column stands, for messages."""

    def __init__(self, where: str, name: str, line: Callable[[int], str]) -> None:
        self.where, self.name, self._line = where, name, line

    def error(self, wrong: np.ndarray | pd.Series[Any], column: pd.Series[Any], rule: str) -> UserError:
        row = int(np.flatnonzero(np.asarray(wrong))[0])
        got = str(column.iloc[row])[:60]
        return must_be(f"{self.where}, {self._line(row)}", self.name, rule, repr(got))


def _refuse_missing(column: pd.Series[Any], place: _Place) -> None:
    missing = column.isna().to_numpy()
    if pd.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        missing = missing | (column == "").to_numpy(dtype=bool, na_value=False)
    if missing.any():
        raise place.error(missing, column, "given in every row")


def _typed_ids(column: pd.Series[Any], place: _Place) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    rule = "an integer (64 bits) or text, one kind in the whole column"
    if pd.api.types.is_bool_dtype(column.dtype):
        raise place.error(np.ones(1), column, rule)
    if pd.api.types.is_integer_dtype(column.dtype):
        wrong = column > np.iinfo(np.int64).max
        if wrong.any():
            raise place.error(wrong, column, rule)
        return column.astype("int64")
    if pd.api.types.is_float_dtype(column.dtype):
        values = column.to_numpy(dtype=np.float64)
        # Above 2**53 a float no longer tells neighbouring integers apart: such ids were already damaged.
        wrong_number = ~(np.abs(values) <= 2.0**53) | (values != np.floor(values))
        if wrong_number.any():
            raise place.error(wrong_number, column, rule)
        return pd.Series(values.astype(np.int64))
    is_text = np.fromiter((isinstance(value, str) for value in column), bool, len(column))
    is_integer = np.fromiter((type(value) is int for value in column), bool, len(column))
    try:
        if is_text.all():
            pa.array(column, type=pa.string())  # refuses text that is no valid Unicode
            return column.astype(str)
        if is_integer.all():
            return column.astype("int64")
    except (UnicodeEncodeError, OverflowError, pa.ArrowException) as error:
        raise must_be(place.where, place.name, rule, str(error)[:100]) from error
    raise place.error(~(is_text if is_text[0] else is_integer), column, rule)


def _ratings(column: pd.Series[Any], place: _Place) -> pd.Series[Any]:
    empty = column.isna() | (column.astype(str) == "")
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & ~empty
    if wrong.any():
        raise place.error(wrong, column, "a number")
    return numbers.astype("float64")


def _timestamps(column: pd.Series[Any], place: _Place) -> pd.Series[Any]:
    _refuse_missing(column, place)
    if not pd.api.types.is_numeric_dtype(column.dtype):
        try:
            column = pd.Series(pc.cast(pa.array(column, type=pa.string()), pa.int64()).to_pandas())
        except (pa.ArrowException, TypeError, UnicodeEncodeError):
            numbers = pd.to_numeric(column.astype(str), errors="coerce")
            column = numbers if numbers.notna().all() else _unix_seconds(column, place)
    if pd.api.types.is_integer_dtype(column.dtype) and column.max() <= np.iinfo(np.int64).max:
        return column.astype("int64")
    values = column.to_numpy(dtype=np.float64)
    wrong = ~(np.abs(values) < 2.0**63)
    if wrong.any():
        raise place.error(wrong, column, "a whole number in 64 bits, or a date")
    return pd.Series(np.floor(values).astype(np.int64))


def _unix_seconds(column: pd.Series[Any], place: _Place) -> pd.Series[Any]:
    """Dates (typed, or ISO 8601 text; without a zone they are UTC) as whole seconds since 1970."""
    typed = pd.api.types.is_datetime64_any_dtype(column.dtype)
    times = pd.to_datetime(column, utc=True, errors="coerce", format=None if typed else "ISO8601")
    if times.isna().any():
        raise place.error(times.isna(), column, "a whole number or a date (2026-11-21T20:59:59)")
    return pd.Series((times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1))
