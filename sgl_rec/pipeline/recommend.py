"""recommend: top-K lists for use, with the caller's ids, without what a user has touched."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
import pandas as pd
import torch

from sgl_rec.baselines.popularity import Popularity
from sgl_rec.errors import UserError, one_line
from sgl_rec.export.lists import Written, list_format, write_lists
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.ranking import MEMORY_BUDGET, rank
from sgl_rec.types import Ids, PairIndex, RankedLists, concatenate

log = logging.getLogger("sgl_rec")

POPULAR_BLOCK = 4096
"""Unknown users whose common list is written at once."""

Unknown = Literal["error", "skip", "popular"]


@dataclass(frozen=True, eq=False)
class Recommendations:
    """Lists on their way out, how many they are, and what their indices stand for."""

    blocks: Iterator[RankedLists]
    num_lists: int
    users: Ids
    items: Ids
    titles: np.ndarray | None


def recommend_run(
    folder: RunFolder,
    *,
    users: Sequence[object] | None = None,
    items: Sequence[object] | None = None,
    k: int = 20,
    include_seen: bool = False,
    unknown: Unknown = "error",
    memory_budget: int = MEMORY_BUDGET,
) -> Recommendations:
    """Lists for ``users`` (default: all), in their order; those of unknown users come last.

    Every pair the run knows leaves the ranking (train, valid, test and dropped ones) unless ``include_seen``.

    Args:
        items: the items that may be recommended (default: all).
        unknown: what becomes of ids the run does not know: an ``error``; ``skip`` them, with a warning; or give
            such users the most ``popular`` items, scored by their number of interactions (items are skipped).

    Returns: one list for each distinct user.

    Raises: UserError for unknown ids (with ``error``), and when none of ``items`` is known.
    """
    stored = folder.data
    embeddings, _ = folder.read_model()
    k = min(k, len(stored.items))  # no list is longer, and none holds places for more
    asked = None if users is None else pd.Series(np.asarray(users)).drop_duplicates().to_numpy()
    index = np.arange(len(stored.users)) if asked is None else stored.users.index_of(asked)
    allowed = None if items is None else _allowed(stored.items, items, unknown=unknown)
    seen = None if include_seen else PairIndex.build(list(stored.split.parts().values()))
    # "7" and 7 may both have been asked for: it is one user.
    known = torch.from_numpy(pd.unique(index[index >= 0]))
    blocks = rank(embeddings, users=known, k=k, seen=seen, allowed=allowed, memory_budget=memory_budget)
    num_lists = len(known)
    strangers = [] if asked is None else list(asked[index < 0])
    names = stored.users
    if strangers:
        if unknown == "error":
            raise _unknown("users", strangers, stored.users, "use --unknown skip or popular")
        if unknown == "popular":
            names = _extended(stored.users, strangers)
            num_lists += len(strangers)
            blocks = itertools.chain(blocks, _popular(folder, strangers, k=k, allowed=allowed))
        else:
            log.warning("%d unknown users are skipped", len(strangers))
    return Recommendations(blocks, num_lists, names, stored.items, stored.titles)


def write_recommendations(
    folder: RunFolder,
    *,
    path: Path | None,
    stream: TextIO | None = None,
    with_titles: bool = False,
    users: Sequence[object] | None = None,
    items: Sequence[object] | None = None,
    k: int = 20,
    include_seen: bool = False,
    unknown: Unknown = "error",
    memory_budget: int = MEMORY_BUDGET,
) -> Written:
    """The lists of :func:`recommend_run` as a file (``.parquet``, ``.csv``, ``.jsonl``), or as CSV to ``stream``.

    Raises: UserError as there, for another suffix, and for titles where the data has none.
    """
    if path is not None:
        list_format(path)
    lists = recommend_run(
        folder,
        users=users,
        items=items,
        k=k,
        include_seen=include_seen,
        unknown=unknown,
        memory_budget=memory_budget,
    )
    if with_titles and lists.titles is None:
        raise UserError("--with-titles: the data set must have titles, got none; leave the option out")
    titles = lists.titles if with_titles else None
    written = write_lists(
        lists.blocks, users=lists.users, items=lists.items, path=path, titles=titles, stream=stream
    )
    if written.lists < lists.num_lists:
        log.warning("%d users have no item left to recommend, and no list", lists.num_lists - written.lists)
    return written


def _allowed(ids: Ids, items: Sequence[object], *, unknown: Unknown) -> torch.Tensor:
    index = ids.index_of(list(items))
    missing = [item for item, place in zip(items, index, strict=True) if place < 0]
    if missing:
        if unknown == "error":
            raise _unknown("items", missing, ids, "take them off the list or use --unknown skip")
        if len(missing) == len(index):
            raise _unknown("items", missing, ids, "take some that are")
        log.warning("%d unknown items are skipped", len(missing))
    allowed = torch.zeros(len(ids), dtype=torch.bool)
    allowed[torch.from_numpy(index[index >= 0])] = True
    return allowed


def _unknown(what: str, missing: Sequence[object], ids: Ids, advice: str) -> UserError:
    shown = ", ".join(map(str, missing[:3])) + (", ..." if len(missing) > 3 else "")
    like = ", ".join(ids.values[:3].astype(str))
    text = f"recommend: {what} must be known to the run, got {len(missing)} that are not ({shown}); "
    return UserError(one_line(f"{text}its ids look like {like}; {advice}"))


def _extended(ids: Ids, strangers: Sequence[object]) -> Ids:
    """The known users with the strangers behind them."""
    texts = [str(user) for user in strangers]
    if not ids.is_integer:
        return Ids(ids.values.append(pd.Index(texts, dtype=ids.values.dtype)))
    for text in texts:
        if not _is_integer_id(text):
            raise UserError(
                f"recommend: users must be whole numbers like those of the run, got {text!r}; correct the list"
            )
    return Ids(ids.values.append(pd.Index([int(text) for text in texts], dtype="int64")))


def _is_integer_id(text: str) -> bool:
    """Whether it is the one spelling of a 64-bit integer."""
    try:
        number = int(text)
    except ValueError:
        return False
    return str(number) == text and -(2**63) <= number < 2**63


def _popular(
    folder: RunFolder, strangers: Sequence[object], *, k: int, allowed: torch.Tensor | None
) -> Iterator[RankedLists]:
    """One list for all strangers: the items with the most interactions in the run."""
    parts = folder.data.split.parts()
    known = concatenate([parts[name] for name in ("train", "valid", "test")])
    best = next(rank(Popularity(known), users=torch.tensor([0]), k=k, allowed=allowed))
    for start in range(0, len(strangers), POPULAR_BLOCK):
        block = known.num_users + torch.arange(start, min(start + POPULAR_BLOCK, len(strangers)))
        yield RankedLists(block, best.item.expand(len(block), -1), best.score.expand(len(block), -1))
