"""The caller's ids to 0-based indices and distinct pairs."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd

from sgl_rec.types import Ids, Interactions

logger = logging.getLogger("sgl_rec")


def index_interactions(frame: pd.DataFrame) -> tuple[Ids, Ids, Interactions]:
    """Number the users and items of a frame by their sorted ids, and fold repeated pairs into one.

    The same pairs give the same indices however the rows are ordered. A repeated pair keeps its earliest row's
    place and its latest timestamp.

    Args:
        frame: as a reader hands it on (``user_id``, ``item_id``, optional int64 ``timestamp``), not empty.

    Example:
        >>> frame = pd.DataFrame({"user_id": [9, 4, 9], "item_id": ["b", "a", "b"], "timestamp": [5, 1, 7]})
        >>> users, items, pairs = index_interactions(frame)
        >>> users.values.tolist(), pairs.user.tolist(), pairs.item.tolist(), pairs.timestamp.tolist()
        ([4, 9], [1, 0], [1, 0], [7, 1])
    """
    user, users = _factorize(frame["user_id"])
    item, items = _factorize(frame["item_id"])
    key = user * len(items) + item
    timestamp = frame["timestamp"].to_numpy(dtype=np.int64) if "timestamp" in frame else None
    first, row_pair = _distinct(key)
    if timestamp is not None:
        latest = np.full(len(first), np.iinfo(np.int64).min)
        np.maximum.at(latest, row_pair, timestamp)
        timestamp = latest
    if folded := len(key) - len(first):
        logger.info("%d repeated interactions folded into one each", folded)
    logger.debug("%d users, %d items, %d interactions", len(users), len(items), len(first))
    pairs = Interactions(user[first], item[first], len(users), len(items), timestamp)
    return Ids(users), Ids(items), pairs


def known_pairs(frame: pd.DataFrame, users: Ids, items: Ids, *, but: Interactions) -> Interactions:
    """The distinct pairs of ``frame`` whose user and item are known and that are not in ``but``.

    Example:
        >>> users, items, pairs = index_interactions(pd.DataFrame({"user_id": [1, 2], "item_id": [5, 6]}))
        >>> more = pd.DataFrame({"user_id": [1, 1, 1, 8], "item_id": [6, 6, 5, 5]})
        >>> left = known_pairs(more, users, items, but=pairs)
        >>> left.user.tolist(), left.item.tolist()
        ([0], [1])
    """
    user, item = users.index_of(frame["user_id"]), items.index_of(frame["item_id"])
    known = (user >= 0) & (item >= 0)
    key = np.unique(user[known] * len(items) + item[known])
    key = np.setdiff1d(key, pair_keys(but), assume_unique=True)
    return Interactions(key // len(items), key % len(items), len(users), len(items))


def pair_keys(pairs: Interactions) -> np.ndarray:
    """One int64 per pair: ``user * num_items + item``."""
    keys: np.ndarray = pairs.user.astype(np.int64) * pairs.num_items + pairs.item
    return keys


def _factorize(column: pd.Series[Any]) -> tuple[np.ndarray, pd.Index[Any]]:
    codes, values = pd.factorize(column, sort=True)
    return codes.astype(np.int64), pd.Index(values)


def _distinct(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows where each distinct key first stands, ascending; and for every row, which of those it repeats."""
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[inverse]
