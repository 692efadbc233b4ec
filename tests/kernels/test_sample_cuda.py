"""Negatives drawn on the GPU (interpreted where there is none) against the loop and the plain form."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("triton")

from sgl_rec.kernels import sample_cuda, sample_torch
from sgl_rec.kernels.sample import DrawWeights
from sgl_rec.types import Interactions, PairIndex
from tests.reference import negatives as reference

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def index(touched: list[set[int]], num_items: int) -> PairIndex:
    pairs = [(user, item) for user, items in enumerate(touched) for item in items]
    user, item = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return PairIndex.build([Interactions(user, item, len(touched), num_items)])


@given(
    st.integers(1, 9).flatmap(
        lambda num_items: st.tuples(
            st.lists(st.sets(st.integers(0, num_items - 1), max_size=num_items - 1), min_size=1, max_size=6),
            st.lists(st.integers(1, 5), min_size=num_items, max_size=num_items),
        )
    ),
    st.integers(0, 2**62 - 1),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_equals_the_loop(history: tuple[list[set[int]], list[int]], key: int, weighted: bool) -> None:
    touched, weight = history
    weight = weight if weighted else [1] * len(weight)
    pairs, users = index(touched, len(weight)), list(range(len(touched))) * 2
    weights = DrawWeights.build(torch.tensor(weight), touched=pairs).to(DEVICE) if weighted else None
    got = sample_cuda.sample(torch.tensor(users, device=DEVICE), 3, pairs.to(DEVICE), key, weights)
    expected = reference.sample_negatives(users, touched, key=key, weight=weight, num_negatives=3)
    assert got.tolist() == expected


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_same_bits_as_the_plain_form(width: int, weighted: bool) -> None:
    touched = [set(range(500)) - {7, 499}, set(), {0}, {499}, set(range(0, 500, 2))]
    pairs = index(touched, 500)
    weights = DrawWeights.build(torch.arange(1, 501) ** 2, touched=pairs).to(DEVICE) if weighted else None
    users, pairs = torch.arange(5, device=DEVICE).repeat(70), pairs.to(DEVICE)
    got = sample_cuda.sample(users, width, pairs, 11, weights)
    assert torch.equal(got, sample_torch.sample(users, width, pairs, 11, weights))
    assert got.shape == (350, width)
    assert all(item not in touched[row % 5] for row, items in enumerate(got.tolist()) for item in items)


def test_no_rows() -> None:
    pairs = index([{0}], 2).to(DEVICE)
    assert sample_cuda.sample(torch.empty(0, device=DEVICE).long(), 1, pairs, 0, None).shape == (0, 1)


@pytest.mark.gpu
def test_a_million_triples() -> None:
    generator = np.random.default_rng(0)
    keys = np.unique((30_000 * 40_000 * generator.random(1_500_000)).astype(np.int64))
    pairs = PairIndex.build([Interactions(keys // 40_000, keys % 40_000, 30_000, 40_000)]).to(DEVICE)
    users = torch.randint(30_000, (1_000_000,), generator=torch.Generator().manual_seed(0)).to(DEVICE)
    assert torch.equal(
        sample_cuda.sample(users, 1, pairs, 5, None), sample_torch.sample(users, 1, pairs, 5, None)
    )
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for key in range(20):
        sample_cuda.sample(users, 1, pairs, key, None)
    torch.cuda.synchronize()
    print(f"{20 * len(users) / (time.perf_counter() - begin) / 1e6:.0f} million triples a second")
