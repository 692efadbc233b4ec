from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sgl_rec.kernels.sample import sample_negatives
from sgl_rec.types import Interactions, PairIndex
from tests.reference import negatives as reference


def index(touched: list[set[int]], num_items: int) -> PairIndex:
    pairs = [(user, item) for user, items in enumerate(touched) for item in items]
    user, item = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return PairIndex.build([Interactions(user, item, len(touched), num_items)])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[set[int]], int]:
    num_items = draw(st.integers(1, 9))
    row = st.sets(st.integers(0, num_items - 1), max_size=num_items - 1)
    return draw(st.lists(row, min_size=1, max_size=6)), num_items


@given(histories(), st.integers(0, 2**62 - 1))
@settings(max_examples=150, deadline=None)
def test_equals_the_loop(history: tuple[list[set[int]], int], key: int) -> None:
    touched, num_items = history
    users = list(range(len(touched))) * 4
    got = sample_negatives(torch.tensor(users), touched=index(touched, num_items), key=key, num_items=num_items)
    assert got.tolist() == reference.sample_negatives(users, touched, key=key, num_items=num_items)
    assert all(item not in touched[user] for user, item in zip(users, got.tolist(), strict=True))


@pytest.mark.parametrize(
    "row", [set(), {0}, {19}, set(range(10)), set(range(0, 20, 2)), set(range(20)) - {0, 7, 19}]
)
def test_uniform_over_the_untouched(row: set[int]) -> None:
    users = torch.ones(20_000, dtype=torch.int64)
    got = sample_negatives(users, touched=index([{3}, row, {4}], 20), key=11, num_items=20)
    counts = torch.bincount(got, minlength=20).numpy()
    free = sorted(set(range(20)) - row)
    assert counts[free].sum() == len(users)
    assert stats.chisquare(counts[free]).pvalue > 1e-4


def test_the_only_item_left_is_found() -> None:
    touched = [set(range(1000)) - {user} for user in (0, 1, 500, 998, 999)]
    got = sample_negatives(torch.arange(5), touched=index(touched, 1000), key=0, num_items=1000)
    assert got.tolist() == [0, 1, 500, 998, 999]


def test_keys_differ_and_rows_differ() -> None:
    pairs = index([{1}], 1000)
    one, again, other = (
        sample_negatives(torch.zeros(50, dtype=torch.int64), touched=pairs, key=key, num_items=1000)
        for key in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert len(one.unique()) > 40


def test_no_rows_and_a_user_without_negatives() -> None:
    pairs = index([{0, 1}, {0}], 2)
    assert sample_negatives(torch.empty(0).long(), touched=pairs, key=0, num_items=2).tolist() == []
    with pytest.raises(AssertionError, match="every item"):
        sample_negatives(torch.tensor([1, 0]), touched=pairs, key=0, num_items=2)
