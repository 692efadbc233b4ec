"""Somebody else's ranked lists: a file of ``user_id``, ``item_id`` and ``rank`` or ``score``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from sgl_rec.data.readers import delimited, parquet
from sgl_rec.data.readers.coded import Coded, code_ids
from sgl_rec.data.readers.places import Place
from sgl_rec.data.reading import AS_IT_IS
from sgl_rec.errors import UserError, must_be
from sgl_rec.types import Ids

IDS = ("user_id", "item_id")
ORDERS = ("rank", "score")


@dataclass(frozen=True, eq=False)
class GivenLists:
    """One list for each user of the data.

    Args:
        item: shape (U, K), indices; -1 for an empty place, and for an item the data does not have.
        length: shape (U,), places that are filled, with whatever item.
        num_unknown: places with an item the data does not have.
    """

    item: np.ndarray
    length: np.ndarray
    num_unknown: int


def read_lists(path: Path, *, users: Ids, items: Ids, k: int) -> GivenLists:
    """The first K places of every user's list.

    Args:
        path: Parquet, or text with a header; rows in any order. The order of a list is that of ``rank``
            (ascending) where there is such a column, and the scores are not read; else of ``score`` (descending,
            ties as in the file).
        users, items: those of the data, whose ids the file must use.

    Raises: UserError for an absent or damaged file, a missing column or id, a user the data does not have (that
        is a file of other data), an item or a rank that stands twice in a list, and a score that is no number.
    """
    if not path.is_file():
        raise UserError(f"--lists: {path} must be a file of lists, got none; check the path")
    table, text = _read(path)
    user, item = (code_ids(table[name], Place(str(path), name), text=text) for name in IDS)
    for name, coded in zip(IDS, (user, item), strict=True):
        if (coded.code < 0).any():
            raise must_be(f"{path}, row {int((coded.code < 0).argmax()) + 1}", name, "given", "none")
    user_index = _known_users(user, users, where=str(path))
    item_index = items.index_of(item.values.to_numpy())[item.code]
    _refuse_repeated(path, user.code, item.code, item.values.take(item.code), what="item_id")
    key = _order(table, path, user.code)
    order = np.lexsort((np.arange(len(key)), key, user_index))
    user_index, item_index = user_index[order], item_index[order]
    length = np.bincount(user_index, minlength=len(users))
    place = np.arange(len(user_index)) - (length.cumsum() - length)[user_index]
    shown = place < k
    lists = np.full((len(users), k), -1, np.int64)
    lists[user_index[shown], place[shown]] = item_index[shown]
    return GivenLists(lists, length, int((item_index[shown] < 0).sum()))


def _read(path: Path) -> tuple[pa.Table, bool]:
    """The columns that are needed, and whether they were read from text."""
    is_parquet = bool(parquet.find(path))
    header = parquet.column_names(path) if is_parquet else delimited.header_of(path, AS_IT_IS)
    names = [name for name in (*IDS, *ORDERS) if name in header]
    if not set(IDS) <= set(names) or len(names) == len(IDS):
        rule, got = "user_id, item_id, and rank or score", ", ".join(map(str, header[:20]))
        raise must_be(str(path), "the columns", rule, got, "name them so")
    names = names[:3]  # a rank says the order, whatever the scores
    if is_parquet:
        return parquet.read_table(path, names), False
    return delimited.read_table(path, {name: name for name in names}, AS_IT_IS), True


def _known_users(user: Coded, users: Ids, *, where: str) -> np.ndarray:
    index = users.index_of(user.values.to_numpy())
    used = np.unique(user.code)
    if (unknown := used[index[used] < 0]).size:
        first = user.values[unknown[:1]].tolist()[0]  # as Python has it: NumPy's own would name its type
        got = f"{len(unknown)} others of {len(used)}, {first!r} the first"
        raise must_be(where, "users", "those of the data", got, "write the ids that the data has")
    known: np.ndarray = index[user.code]
    return known


def _order(table: pa.Table, path: Path, user: np.ndarray) -> np.ndarray:
    """What the rows of a user are sorted by, ascending."""
    name = table.column_names[2]
    column = table[name].to_pandas()
    values: np.ndarray = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(np.float64)
    if (wrong := ~np.isfinite(values)).any():
        row = int(wrong.argmax())
        got = column.iloc[[row]].tolist()[0]
        raise must_be(f"{path}, row {row + 1}", name, "a finite number", repr(got))
    if name == "score":
        return -values
    _refuse_repeated(path, user, values, values, what="rank")
    return values


def _refuse_repeated(path: Path, user: np.ndarray, value: np.ndarray, shown: object, *, what: str) -> None:
    again = pd.DataFrame({"user": user, "value": value}).duplicated().to_numpy()
    if again.any():
        row = int(again.argmax())
        got = f"{shown[row]!s} again"  # type: ignore[index]
        raise must_be(f"{path}, row {row + 1}", what, "once in a user's list", got, "keep one row of each")
