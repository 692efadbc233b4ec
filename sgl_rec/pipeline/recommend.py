"""recommend: top-K lists for use, with the caller's ids, without what a user has touched."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TextIO

import numpy as np
import pandas as pd
import torch

from sgl_rec.baselines.popularity import Popularity
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.export.lists import Written, list_format, write_lists
from sgl_rec.pipeline.baseline import read_scorer
from sgl_rec.pipeline.content.new_items import Placing
from sgl_rec.pipeline.measure import joined
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
    new_items: Placing | None = None,
    only_new: bool = False,
    memory_budget: int = MEMORY_BUDGET,
) -> Recommendations:
    """Lists for ``users`` (default: all), in their order; those of users the model was not trained on come last.

    Every pair the run knows leaves the ranking (train, valid, test and dropped ones) unless ``include_seen``.
    An item without an interaction in training, as ``global-time`` leaves some, has learnt nothing and is not
    ranked, unless its content has given it a place; a user without one is like a user the run does not know.

    Args:
        items: the items that may be recommended (default: all).
        unknown: what becomes of ids the model was not trained on: an ``error``; ``skip`` them, with a warning; or
            give such users the most ``popular`` items, scored by their number of interactions (items are
            skipped). Of the default ``users`` they are skipped with ``error`` too.
        new_items: items the run has never seen, ranked among its own, or alone with ``only_new``.

    Returns: one list for each distinct user.

    Raises: UserError for unknown ids (with ``error``), and when none of ``items`` is known.
    """
    if only_new and new_items is None:
        raise must_be("recommend", "only_new", "given with new_items", "none", "name a file of new items")
    stored = folder.data
    scorer, facts = read_scorer(folder, new_items)
    names_of_items, titles = stored.items, stored.titles
    if new_items is not None:
        names_of_items, titles = new_items.items, new_items.titles
    k = min(k, len(names_of_items))  # no list is longer, and none holds places for more
    trained = joined(stored.split, facts["trained_on"])
    user_trained, item_trained = trained.user_degree() > 0, trained.item_degree() > 0
    asked = (stored.users.values if users is None else pd.Series(np.asarray(users)).drop_duplicates()).to_numpy()
    index = np.arange(len(stored.users)) if users is None else stored.users.index_of(asked)
    is_known = (index >= 0) & user_trained[index]
    can_rank = _can_rank(folder, item_trained, new_items, only_new=only_new)
    allowed = _allowed(names_of_items, items, can_rank, unknown=unknown)
    seen = None
    if not include_seen:
        touched = PairIndex.build(list(stored.split.parts().values()))
        seen = replace(touched, num_items=len(names_of_items))
    # "7" and 7 may both have been asked for: it is one user.
    known = torch.from_numpy(pd.unique(index[is_known]))
    blocks = rank(scorer, users=known, k=k, seen=seen, allowed=allowed, memory_budget=memory_budget)
    num_lists, names = len(known), stored.users
    if not is_known.all():
        strangers = list(asked[~is_known])
        if unknown == "error" and users is not None:
            raise _unknown("users", strangers, stored.users, "use --unknown skip or popular")
        if unknown == "popular":
            outside = list(asked[index < 0])
            names = _extended(stored.users, outside)
            cold = pd.unique(index[(index >= 0) & ~is_known])
            places = np.concatenate([cold, len(stored.users) + np.arange(len(outside))])
            num_lists += len(places)
            blocks = itertools.chain(blocks, _popular(folder, places, k=k, seen=seen, allowed=allowed))
        else:
            log.warning("%d users that training did not know are skipped: --unknown popular", len(strangers))
    return Recommendations(blocks, num_lists, names, names_of_items, titles)


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
    new_items: Placing | None = None,
    only_new: bool = False,
    memory_budget: int = MEMORY_BUDGET,
) -> Written:
    """The lists of :func:`recommend_run` as a file (``.parquet``, ``.csv``, ``.jsonl``), or as CSV to ``stream``.

    Raises: UserError as there, for another suffix, and for titles where the data has none.
    """
    if path is not None:
        list_format(path)
    folder.check_output(path)
    lists = recommend_run(
        folder,
        users=users,
        items=items,
        k=k,
        include_seen=include_seen,
        unknown=unknown,
        new_items=new_items,
        only_new=only_new,
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


def _can_rank(folder: RunFolder, trained: np.ndarray, new_items: Placing | None, *, only_new: bool) -> np.ndarray:
    """The items that have a place: those the model was trained on, and those that content has given one."""
    if new_items is not None and only_new:
        return new_items.is_new.numpy()
    placement = folder.placement() if new_items is None else new_items.placement
    found = trained
    if placement is not None:
        found = placement.cold.numpy().copy()
        found[: len(trained)] |= trained
    if not found.all():
        log.info("%d items without an interaction in training are not ranked", int((~found).sum()))
    return found


def _allowed(
    ids: Ids, items: Sequence[object] | None, can_rank: np.ndarray, *, unknown: Unknown
) -> torch.Tensor | None:
    """The items that are ranked, as a mask: those asked for that have a place."""
    if items is None:
        return torch.from_numpy(can_rank)
    index = ids.index_of(list(items))
    is_known = (index >= 0) & can_rank[index]
    missing = [item for item, known in zip(items, is_known, strict=True) if not known]
    if missing:
        if unknown == "error":
            raise _unknown("items", missing, ids, "take them off the list or use --unknown skip")
        if len(missing) == len(index):
            raise _unknown("items", missing, ids, "take some that are")
        log.warning("%d items that training did not know are skipped", len(missing))
    allowed = torch.zeros(len(ids), dtype=torch.bool)
    allowed[torch.from_numpy(index[is_known])] = True
    return allowed


def _unknown(what: str, missing: Sequence[object], ids: Ids, advice: str) -> UserError:
    shown = ", ".join(map(str, missing[:3])) + (", ..." if len(missing) > 3 else "")
    like = ", ".join(ids.values[:3].astype(str))
    text = f"recommend: {what} must be in the run's training, got {len(missing)} that are not ({shown}); "
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
    folder: RunFolder, places: np.ndarray, *, k: int, seen: PairIndex | None, allowed: torch.Tensor | None
) -> Iterator[RankedLists]:
    """Lists of the items with the most interactions in the run; places behind the run's users have seen none."""
    parts = folder.data.split.parts()
    scorer = Popularity(concatenate([parts[name] for name in ("train", "valid", "test")]))
    if allowed is not None:  # nobody has touched an item that is new
        allowed = allowed[: scorer.num_items]
    if seen is not None:
        seen = replace(seen, num_items=scorer.num_items)
    inside = torch.from_numpy(places[places < scorer.num_users])
    yield from rank(scorer, users=inside, k=k, seen=seen, allowed=allowed)
    best = next(rank(scorer, users=torch.tensor([0]), k=k, allowed=allowed))
    outside = torch.from_numpy(places[places >= scorer.num_users])
    for block in torch.split(outside, POPULAR_BLOCK) if len(outside) else ():
        yield RankedLists(block, best.item.expand(len(block), -1), best.score.expand(len(block), -1))
