"""recommend: top-K lists for use, with the caller's ids, without what a user has touched."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch

from sgl_rec.baselines.popularity import Popularity
from sgl_rec.errors import UserError
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.ranking import MEMORY_BUDGET, rank
from sgl_rec.types import Ids, PairIndex, RankedLists, concatenate

log = logging.getLogger("sgl_rec")

UnknownUsers = Literal["error", "skip", "popular"]


@dataclass(frozen=True, eq=False)
class Recommendations:
    """Lists on their way out, and what their indices stand for."""

    blocks: Iterator[RankedLists]
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
    unknown_users: UnknownUsers = "error",
    memory_budget: int = MEMORY_BUDGET,
) -> Recommendations:
    """Lists for ``users`` (default: all), in their order; those of unknown users come last.

    Every pair the run knows leaves the ranking (train, valid, test and dropped ones) unless ``include_seen``.

    Args:
        items: the items that may be recommended (default: all).
        unknown_users: ``error``; ``skip`` them, with a warning; or give them the most ``popular`` items, scored
            by their number of interactions.

    Raises: UserError for unknown users (with ``error``), for unknown items, and for a repeated user.
    """
    stored = folder.data
    embeddings, _ = folder.read_model()
    asked = pd.Series(list(users), dtype=object).drop_duplicates().to_numpy() if users is not None else None
    index = np.arange(len(stored.users)) if asked is None else stored.users.index_of(asked)
    allowed = None if items is None else _allowed(stored.items, items)
    seen = None if include_seen else PairIndex.build(list(stored.split.parts().values()))
    known = torch.from_numpy(index[index >= 0])
    blocks = rank(embeddings, users=known, k=k, seen=seen, allowed=allowed, memory_budget=memory_budget)
    strangers = [] if asked is None else list(asked[index < 0])
    names = stored.users
    if strangers:
        if unknown_users == "error":
            shown = ", ".join(map(str, strangers[:3])) + (", ..." if len(strangers) > 3 else "")
            raise UserError(
                f"recommend: users must be known to the run, got {len(strangers)} that are not ({shown}); "
                "use --unknown-users skip or popular"
            )
        if unknown_users == "popular":
            names = _extended(stored.users, strangers)
            blocks = itertools.chain(blocks, _popular(folder, strangers, k=k, allowed=allowed))
        else:
            log.warning("%d unknown users are skipped", len(strangers))
    return Recommendations(blocks, names, stored.items, stored.titles)


def _allowed(ids: Ids, items: Sequence[object]) -> torch.Tensor:
    index = ids.index_of(list(items))
    if (index < 0).any():
        missing = [str(item) for item, place in zip(items, index, strict=True) if place < 0]
        raise UserError(
            f"recommend: items must be known to the run, got {len(missing)} that are not "
            f"({', '.join(missing[:3])}); take them off the list"
        )
    allowed = torch.zeros(len(ids), dtype=torch.bool)
    allowed[torch.from_numpy(index)] = True
    return allowed


def _extended(ids: Ids, strangers: Sequence[object]) -> Ids:
    """The known users with the strangers behind them."""
    if not ids.is_integer:
        return Ids(ids.values.append(pd.Index([str(user) for user in strangers], dtype=ids.values.dtype)))
    try:
        return Ids(ids.values.append(pd.Index([int(str(user)) for user in strangers], dtype="int64")))
    except ValueError as error:
        raise UserError(
            f"recommend: users must be whole numbers like those of the run, got {error}; correct the list"
        ) from error


def _popular(
    folder: RunFolder, strangers: Sequence[object], *, k: int, allowed: torch.Tensor | None
) -> Iterator[RankedLists]:
    """One list for all strangers: the items with the most interactions in the run."""
    parts = folder.data.split.parts()
    known = concatenate([parts[name] for name in ("train", "valid", "test")])
    best = next(rank(Popularity(known), users=torch.tensor([0]), k=k, allowed=allowed))
    for number in range(len(strangers)):
        yield RankedLists(torch.tensor([known.num_users + number]), best.item, best.score)
