from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.data.ids import index_interactions, k_core, known_pairs
from sgl_rec.data.readers.columns import Raw, Rows, typed

ROWS = st.lists(st.tuples(st.integers(-9, 9), st.sampled_from("abcé"), st.integers(-5, 5)), min_size=1)


def coded(rows: list[tuple[int, str, int]], *, times: bool = True) -> Rows:
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    return typed(Raw("x", {name: frame[name] for name in list(frame)[: 3 if times else 2]}))


@given(ROWS)
def test_pairs_are_those_of_the_rows(rows: list[tuple[int, str, int]]) -> None:
    found = index_interactions(coded(rows))
    pairs = found.interactions
    latest: dict[tuple[int, str], int] = {}  # a dict keeps the place of the first, as the result must
    for user, item, time in rows:
        latest[user, item] = max(time, latest.get((user, item), time))
    ids = list(zip(found.users.values[pairs.user], found.items.values[pairs.item], strict=True))
    assert dict(zip(ids, pairs.timestamp, strict=True)) == latest
    assert ids == list(latest)
    assert (found.repeated, found.thinned) == (len(rows) - len(latest), 0)


@given(ROWS, st.randoms())
def test_indices_do_not_depend_on_the_order(rows: list[tuple[int, str, int]], random: object) -> None:
    first = index_interactions(coded(rows))
    random.shuffle(rows)  # type: ignore[attr-defined]
    again = index_interactions(coded(rows))
    assert first.users.values.tolist() == again.users.values.tolist() == sorted({row[0] for row in rows})
    assert first.items.values.tolist() == again.items.values.tolist() == sorted({row[1] for row in rows})


@given(ROWS, st.integers(1, 4))
def test_k_core(rows: list[tuple[int, str, int]], k: int) -> None:
    pairs = dict.fromkeys((user, item) for user, item, _ in rows)
    while True:
        counts = [[side for pair in pairs for side in [pair[place]]] for place in (0, 1)]
        left = {pair: None for pair in pairs if all(counts[p].count(pair[p]) >= k for p in (0, 1))}
        if len(left) == len(pairs):
            break
        pairs = left
    found = index_interactions(coded(rows), k=k)
    ids = zip(
        found.users.values[found.interactions.user], found.items.values[found.interactions.item], strict=True
    )
    assert list(ids) == list(pairs)
    assert len(found.users) == len({user for user, _ in pairs})
    assert found.repeated + found.thinned + len(pairs) == len(rows)


def test_k_core_that_takes_all() -> None:
    assert k_core(np.array([0, 1]), np.array([0, 1]), 2).tolist() == []


def test_no_timestamps() -> None:
    assert index_interactions(coded([(1, "a", 0)], times=False)).interactions.timestamp is None
    folded = index_interactions(coded([(1, "a", 0), (2, "a", 0), (1, "a", 0)], times=False))
    assert folded.interactions.user.tolist() == [0, 1]


def test_known_pairs_leaves_out_strangers_and_what_is_there() -> None:
    rows = coded([(1, "a", 0), (2, "b", 0), (2, "a", 0), (2, "a", 1), (1, "a", 0), (3, "a", 0), (1, "c", 0)])
    found = index_interactions(rows.take(np.arange(2)))
    left = known_pairs(rows.take(np.arange(2, 7)), found)
    assert np.stack([left.user, left.item]).tolist() == [[1], [0]]


def test_what_is_found_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "sgl_rec"):
        index_interactions(coded([(1, "a", 0), (1, "a", 1), (2, "a", 0)]))
    assert "2 users, 1 items, 2 interactions" in caplog.text
