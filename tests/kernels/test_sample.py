from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sgl_rec.errors import UserError
from sgl_rec.kernels.sample import MASS, DrawWeights, popularity_weight, sample_negatives
from sgl_rec.types import Interactions, PairIndex
from tests.reference import negatives as reference

BACKENDS = ("torch", "cpu")
ROWS = [set(), {0}, {19}, set(range(10)), set(range(0, 20, 2)), set(range(20)) - {0, 7, 19}]


def index(touched: list[set[int]], num_items: int) -> PairIndex:
    pairs = [(user, item) for user, items in enumerate(touched) for item in items]
    user, item = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return PairIndex.build([Interactions(user, item, len(touched), num_items)])


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[set[int]], list[int]]:
    """What each user has touched, and weights of which one untouched is above 0."""
    num_items = draw(st.integers(1, 9))
    row = st.sets(st.integers(0, num_items - 1), max_size=num_items - 1)
    touched = draw(st.lists(row, min_size=1, max_size=6))
    weight = draw(st.lists(st.integers(0, 5), min_size=num_items, max_size=num_items))
    for items in touched:
        free = min(set(range(num_items)) - items)
        weight[free] = max(weight[free], 1)
    return touched, weight


@pytest.mark.parametrize("backend", BACKENDS)
@given(histories(), st.integers(0, 2**62 - 1))
@settings(max_examples=100, deadline=None)
def test_uniform_draws_equal_the_loop(backend: str, history: tuple[list[set[int]], list[int]], key: int) -> None:
    touched, num_items = history[0], len(history[1])
    users = list(range(len(touched))) * 4
    got = sample_negatives(
        torch.tensor(users), touched=index(touched, num_items), key=key, num_items=num_items, backend=backend
    )
    expected = reference.sample_negatives(users, touched, key=key, weight=[1] * num_items)
    assert got.tolist() == [row[0] for row in expected]


@pytest.mark.parametrize("backend", BACKENDS)
@given(histories(), st.integers(0, 2**62 - 1))
@settings(max_examples=100, deadline=None)
def test_several_weighted_draws_equal_the_loop(
    backend: str, history: tuple[list[set[int]], list[int]], key: int
) -> None:
    touched, weight = history
    pairs, users = index(touched, len(weight)), list(range(len(touched))) * 2
    got = sample_negatives(
        torch.tensor(users),
        touched=pairs,
        key=key,
        num_items=len(weight),
        num_negatives=3,
        weights=DrawWeights.build(torch.tensor(weight), touched=pairs),
        backend=backend,
    )
    assert got.tolist() == reference.sample_negatives(users, touched, key=key, weight=weight, num_negatives=3)
    for user, row in zip(users, got.tolist(), strict=True):
        assert not touched[user] & set(row)
        assert all(weight[item] for item in row)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("row", ROWS)
def test_uniform_over_the_untouched(row: set[int], backend: str) -> None:
    users = torch.ones(5_000, dtype=torch.int64)
    got = sample_negatives(
        users, touched=index([{3}, row, {4}], 20), key=11, num_items=20, num_negatives=4, backend=backend
    )
    counts = torch.bincount(got.ravel(), minlength=20).numpy()
    free = sorted(set(range(20)) - row)
    assert counts[free].sum() == got.numel()
    assert stats.chisquare(counts[free]).pvalue > 1e-4


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("power", [0.0, 0.75, 1.0])
@pytest.mark.parametrize("row", ROWS)
def test_weighted_draws_are_by_popularity_among_the_untouched(row: set[int], power: float, backend: str) -> None:
    pairs, degree = index([{3}, row, {4}], 20), torch.arange(1, 21)
    weights = DrawWeights.build(popularity_weight(degree, power=power), touched=pairs)
    users = torch.ones(20_000, dtype=torch.int64)
    got = sample_negatives(users, touched=pairs, key=12, num_items=20, weights=weights, backend=backend)
    counts = torch.bincount(got, minlength=20).numpy()
    free = sorted(set(range(20)) - row)
    share = degree.numpy()[free] ** power
    assert counts[free].sum() == len(users)
    assert stats.chisquare(counts[free], len(users) * share / share.sum()).pvalue > 1e-4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_backends_and_threads_draw_the_same_bits(threads: int, weighted: bool) -> None:
    generator = np.random.default_rng(0)
    keys = np.unique(generator.integers(0, 300 * 4000, 20_000))
    pairs = PairIndex.build([Interactions(keys // 4000, keys % 4000, 300, 4000)])
    weight = popularity_weight(torch.bincount(pairs.item, minlength=4000), power=1.5)
    weights = DrawWeights.build(weight, touched=pairs) if weighted else None
    users = torch.from_numpy(generator.integers(0, 300, 30_000))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        drawn = [
            sample_negatives(users, touched=pairs, key=5, num_items=4000, weights=weights, backend=backend)
            for backend in BACKENDS
        ]
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*drawn)
    assert not np.isin(users.numpy() * 4000 + drawn[0].numpy(), keys).any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_only_item_left_is_found(backend: str) -> None:
    touched = [set(range(1000)) - {user} for user in (0, 1, 500, 998, 999)]
    pairs = index(touched, 1000)
    weights = DrawWeights.build(popularity_weight(torch.zeros(1000, dtype=torch.int64), power=2.0), touched=pairs)
    for given_weights in (None, weights):
        got = sample_negatives(
            torch.arange(5), touched=pairs, key=0, num_items=1000, weights=given_weights, backend=backend
        )
        assert got.tolist() == [0, 1, 500, 998, 999]


@pytest.mark.parametrize("backend", BACKENDS)
def test_keys_rows_and_negatives_differ_and_the_first_is_the_only_one(backend: str) -> None:
    pairs, users = index([{1}], 1000), torch.zeros(50, dtype=torch.int64)
    one, again, other = (
        sample_negatives(users, touched=pairs, key=key, num_items=1000, backend=backend) for key in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert len(one.unique()) > 40
    several = sample_negatives(users, touched=pairs, key=1, num_items=1000, num_negatives=3, backend=backend)
    assert several.shape == (50, 3)
    assert torch.equal(several[:, 0], one)
    assert len(several.unique()) > 120


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_rows_and_a_user_without_negatives(backend: str) -> None:
    pairs = index([{0, 1}, {0}], 2)
    none = torch.empty(0, dtype=torch.int64)
    assert sample_negatives(none, touched=pairs, key=0, num_items=2, backend=backend).tolist() == []
    weights = DrawWeights.build(torch.tensor([1, 0]), touched=pairs)
    for users, given_weights in (([1, 0], None), ([1], weights)):
        with pytest.raises(AssertionError, match="every item"):
            sample_negatives(
                torch.tensor(users), touched=pairs, key=0, num_items=2, weights=given_weights, backend=backend
            )


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 3.0])
def test_popularity_weight_keeps_proportions_and_the_mass(power: float) -> None:
    degree = torch.tensor([0, 1, 5, 900, 0, 17])
    weight = popularity_weight(degree, power=power)
    assert 0 < int(weight.sum()) <= MASS
    assert int(weight.min()) >= 1
    share = degree.double() ** power
    expected = share / share.sum()
    torch.testing.assert_close(weight.double() / weight.sum(), expected, rtol=0, atol=2**-28)


@pytest.mark.parametrize("weight", [[1, 2], [1, -1, 3], [MASS, 1, 0]])
def test_refuses_weights_that_cannot_be(weight: list[int]) -> None:
    with pytest.raises(UserError, match="sample_negatives: weight must be 3 integers of at least 0"):
        DrawWeights.build(torch.tensor(weight), touched=index([{0}], 3))


def test_refuses_no_negative_and_a_negative_power() -> None:
    with pytest.raises(UserError, match="num_negatives must be at least 1, got 0"):
        sample_negatives(torch.tensor([0]), touched=index([{0}], 3), key=0, num_items=3, num_negatives=0)
    with pytest.raises(UserError, match="power must be at least 0"):
        popularity_weight(torch.tensor([1]), power=-1.0)
