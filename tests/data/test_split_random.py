from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.data.assemble import dataset_from_frame
from sgl_rec.data.split_random import hold_out, random_split
from sgl_rec.types import Dataset
from tests.data.split_logs import logs, pairs, parts_of, rows_of, shuffled, users_with
from tests.reference.splits import random_per_user


def test_sizes_per_user() -> None:
    degrees = (1, 2, 3, 9, 10, 19, 20, 31)
    data = users_with(*degrees)
    split = random_split(data)
    expected = {0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 7: 3}
    for part in (split.valid, split.test):
        assert Counter(part.user.tolist()) == Counter({user: n for user, n in expected.items() if n})
    assert set().union(*parts_of(split).values()) == pairs(data.interactions)
    assert (split.name, split.fixed, split.remove_at_test) == ("random", False, ("train", "valid"))
    assert split.train.timestamp is not None
    assert (split.train.timestamp == 5 + split.train.item * 10).all()


def test_the_seed_and_nothing_else_decides() -> None:
    data = users_with(*[30] * 20)
    first = random_split(data, seed=0)
    assert pairs(first.test) != pairs(random_split(data, seed=1).test)
    again = dataset_from_frame(shuffled(data))
    assert parts_of(random_split(again, seed=0)) == parts_of(first)


def test_every_position_is_drawn_alike() -> None:
    """20,000 users of 10 items: each item is the test item of about a tenth of them."""
    counts = random_split(users_with(*[10] * 20_000)).test.item_degree()
    assert counts.sum() == 20_000
    assert np.abs(counts - 2_000).max() < 5 * np.sqrt(2_000 * 0.9)


@given(logs(), st.integers(0, 3), st.integers(1, 98), st.integers(1, 98))
def test_as_the_loops_say(data: Dataset, seed: int, valid: int, test: int) -> None:
    if valid + test >= 100:
        valid, test = valid // 2, test // 2
    valid, test = max(valid, 1), max(test, 1)
    split = random_split(data, seed=seed, valid_share=valid / 100, test_share=test / 100)
    rows = rows_of(data, seed=seed, stream="split")
    assert parts_of(split) == random_per_user(rows, Fraction(valid, 100), Fraction(test, 100))
    assert (split.train.user_degree() > 0).all(), "nobody gives everything away"


def test_shares() -> None:
    split = random_split(users_with(100, 4), valid_share=0.29, test_share=0.5)
    assert Counter(split.valid.user.tolist()) == {0: 29, 1: 1}
    assert Counter(split.test.user.tolist()) == {0: 50, 1: 2}
    assert split.facts == {"split_seed": 0, "valid_share": 0.29, "test_share": 0.5}


def test_a_share_held_out() -> None:
    log = users_with(2, 3, 10, 40).interactions
    held = hold_out(log, share=0.1, seed=1)
    assert Counter(log.user[held].tolist()) == {1: 1, 2: 1, 3: 4}
    with pytest.raises(AssertionError):
        np.testing.assert_array_equal(held, hold_out(log, share=0.1, seed=2))
