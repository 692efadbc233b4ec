"""Coverage, mean popularity and Gini of what is recommended."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.evaluation.beyond import count_items, coverage, gini, mean_popularity
from tests.reference import metrics as reference


def test_counts_leave_out_empty_places() -> None:
    assert count_items(torch.tensor([[0, 3], [3, -1], [-1, -1]]), num_items=5).tolist() == [1, 0, 0, 2, 0]


def test_by_hand() -> None:
    count = torch.tensor([1, 0, 0, 2, 0])
    assert coverage(count) == 2 / 5
    assert mean_popularity(count, torch.tensor([7, 0, 0, 4, 0])) == (7 + 4 + 4) / 3
    assert gini(count) == pytest.approx((2 * 4 - 5 - 1) * 1 / (5 * 3) + (2 * 5 - 5 - 1) * 2 / (5 * 3))


@pytest.mark.parametrize("seed", range(5))
def test_gini_is_half_the_relative_mean_difference(seed: int) -> None:
    count = np.random.default_rng(seed).geometric(0.1, size=30) - 1
    assert gini(torch.from_numpy(count)) == pytest.approx(reference.gini(count.tolist()), abs=1e-12)


def test_limits() -> None:
    assert gini(torch.full((7,), 3)) == 0
    assert gini(torch.tensor([0, 0, 5, 0])) == 3 / 4
    assert coverage(torch.ones(4, dtype=torch.int64)) == 1


def test_no_recommendation_at_all_is_zero_and_not_nan() -> None:
    count = torch.zeros(3, dtype=torch.int64)
    assert (coverage(count), gini(count), mean_popularity(count, torch.ones(3, dtype=torch.int64))) == (0, 0, 0)
