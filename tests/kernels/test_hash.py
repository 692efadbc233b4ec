from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from sgl_rec.kernels.hash import below, split_key, threshold, uniform_bits
from tests.reference import hash as reference

KEYS = [0, 1, 2**31 + 7, 2**62 - 1, 2**63 - 1]


@pytest.mark.parametrize("key", KEYS)
def test_equals_a_plain_integer_loop(key: int) -> None:
    edges = [0, 1, 2, 77, 2**16, 2**31 - 1, 2**31, 2**32 - 1]
    first, second = (grid.ravel() for grid in np.meshgrid(edges, edges))
    got = uniform_bits(key, torch.from_numpy(first), torch.from_numpy(second))
    assert got.tolist() == [
        reference.uniform_bits(key, int(a), int(b)) for a, b in zip(first, second, strict=True)
    ]
    alone = uniform_bits(key, torch.from_numpy(first))
    assert alone.tolist() == [reference.uniform_bits(key, int(a)) for a in first]
    assert uniform_bits(key, torch.from_numpy(first), 9).tolist() == [
        reference.uniform_bits(key, int(a), 9) for a in first
    ]


def test_leaves_its_counters_alone() -> None:
    first, second = torch.arange(5), torch.arange(5) + 7
    uniform_bits(3, first, second)
    assert first.tolist() == [0, 1, 2, 3, 4]
    assert second.tolist() == [7, 8, 9, 10, 11]


@pytest.mark.parametrize("key", KEYS)
def test_every_byte_is_uniform_over_a_grid_of_counters(key: int) -> None:
    first = torch.arange(256).repeat_interleave(256)
    second = torch.arange(256).repeat(256)
    bits = uniform_bits(key, first, second)
    assert int(bits.min()) >= 0
    assert int(bits.max()) < 2**32
    for shift in (0, 8, 16, 24):
        counts = torch.bincount((bits >> shift) & 255, minlength=256).numpy()
        assert stats.chisquare(counts).pvalue > 1e-4


def test_no_correlation_between_keys_counters_and_sides() -> None:
    number = torch.arange(20_000)
    draws = [
        uniform_bits(5, number),
        uniform_bits(6, number),
        uniform_bits(5, number + 1),
        uniform_bits(5, number, 1),
        uniform_bits(5 + 2**32, number),
        uniform_bits(split_key(5, 0), number),
        uniform_bits(5, torch.zeros_like(number), number),
    ]
    correlation = torch.corrcoef(torch.stack(draws).double()) - torch.eye(len(draws))
    assert float(correlation.abs().max()) < 5 / len(number) ** 0.5


def test_sides_are_not_interchangeable() -> None:
    one, two = torch.arange(100), torch.arange(100) + 500
    assert not torch.equal(uniform_bits(1, one, two), uniform_bits(1, two, one))


def test_split_key_equals_splitmix64() -> None:
    # The first outputs of the published generator for seed 1234567.
    assert [split_key(1234567, index) for index in range(2)] == [6457827717110365317, 3203168211198807973]
    assert [split_key(key, 3) for key in KEYS] == [reference.split_key(key, 3) for key in KEYS]


def test_threshold_and_below_reach_their_ends() -> None:
    assert threshold(0.0) == 0
    assert threshold(1.0) == 2**32
    bits = torch.tensor([0, 2**31 - 1, 2**31, 2**32 - 1])
    assert below(bits, 2).tolist() == [0, 0, 1, 1]
    assert below(bits, 2**31).tolist() == [0, 2**30 - 1, 2**30, 2**31 - 1]
    assert below(bits, torch.ones(4, dtype=torch.int64)).tolist() == [0, 0, 0, 0]
