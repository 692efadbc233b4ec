from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.data.ids import index_interactions, known_pairs

ROWS = st.lists(st.tuples(st.integers(-9, 9), st.sampled_from("abcé"), st.integers(-5, 5)), min_size=1)


def frame(rows: list[tuple[int, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])


@given(ROWS)
def test_pairs_are_those_of_the_rows(rows: list[tuple[int, str, int]]) -> None:
    users, items, pairs = index_interactions(frame(rows))
    latest: dict[tuple[int, str], int] = {}  # a dict keeps the place of the first, as the result must
    for user, item, time in rows:
        latest[user, item] = max(time, latest.get((user, item), time))
    found = zip(users.values[pairs.user], items.values[pairs.item], strict=True)
    assert dict(zip(found, pairs.timestamp, strict=True)) == latest
    assert list(zip(users.values[pairs.user], items.values[pairs.item], strict=True)) == list(latest)


@given(ROWS, st.randoms())
def test_indices_do_not_depend_on_the_order(rows: list[tuple[int, str, int]], random: object) -> None:
    users, items, _ = index_interactions(frame(rows))
    random.shuffle(rows)  # type: ignore[attr-defined]
    again_users, again_items, _ = index_interactions(frame(rows))
    assert users.values.tolist() == again_users.values.tolist() == sorted(set(users.values))
    assert items.values.tolist() == again_items.values.tolist() == sorted(set(items.values))


def test_no_timestamps() -> None:
    assert index_interactions(frame([(1, "a", 0)]).drop(columns="timestamp"))[2].timestamp is None


def test_known_pairs_leaves_out_strangers_and_what_is_there() -> None:
    users, items, pairs = index_interactions(frame([(1, "a", 0), (2, "b", 0)]))
    more = frame([(2, "a", 0), (2, "a", 1), (1, "a", 0), (3, "a", 0), (1, "c", 0)])
    left = known_pairs(more, users, items, but=pairs)
    assert np.stack([left.user, left.item]).tolist() == [[1], [0]]


def test_folding_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "sgl_rec"):
        index_interactions(frame([(1, "a", 0), (1, "a", 1), (2, "a", 0)]))
    assert "1 repeated" in caplog.text
    assert "2 users, 1 items, 2 interactions" in caplog.text
