"""What the tests of splits share: small logs, pairs of a part, and a log drawn by hypothesis."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from sgl_rec.data.assemble import dataset_from_frame
from sgl_rec.data.split_random import draws
from sgl_rec.types import Dataset, Interactions, Split

Row = tuple[int, int, int, float]


def users_with(*degrees: int) -> Dataset:
    """User u has ``degrees[u]`` items."""
    users = np.repeat(np.arange(len(degrees)), degrees)
    items = np.concatenate([np.arange(degree) for degree in degrees])
    return dataset_from_frame(pd.DataFrame({"user_id": users, "item_id": items, "timestamp": 5 + items * 10}))


def pairs(part: Interactions) -> set[tuple[int, int]]:
    return set(zip(part.user.tolist(), part.item.tolist(), strict=True))


def parts_of(split: Split) -> dict[str, set[tuple[int, int]]]:
    """The pairs of train, valid and test; they are disjoint, and no pair stands twice."""
    found = {name: pairs(part) for name, part in split.parts().items() if name != "dropped"}
    assert sum(len(part) for part in split.parts().values()) - len(split.dropped) == len(
        set().union(*found.values())
    )
    return found


def rows_of(dataset: Dataset, *, seed: int, stream: str) -> list[Row]:
    """What the reference loops read: (user, item, time, draw)."""
    log = dataset.interactions
    drawn = draws(log, seed=seed, stream=stream).tolist()
    times = [0] * len(log) if log.timestamp is None else log.timestamp.tolist()
    return list(zip(log.user.tolist(), log.item.tolist(), times, drawn, strict=True))


def shuffled(dataset: Dataset, *, seed: int = 0) -> pd.DataFrame:
    """The rows of the data set in another order, as a frame."""
    log = dataset.interactions
    frame = pd.DataFrame(
        {"user_id": dataset.users.values[log.user], "item_id": dataset.items.values[log.item]}
    ).assign(timestamp=log.timestamp)
    return frame.iloc[np.random.default_rng(seed).permutation(len(frame))]


@st.composite
def logs(draw: st.DrawFn) -> Dataset:
    """Up to 60 interactions of up to 6 users with times that often collide."""
    row = st.tuples(st.integers(0, 5), st.integers(0, 14), st.integers(100, 115))
    rows = draw(st.lists(row, min_size=1, max_size=60))
    return dataset_from_frame(pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"]))
