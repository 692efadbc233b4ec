"""The readable sampling, by hand; test_sample.py holds it against the loops."""

from __future__ import annotations

import torch

from sgl_rec.kernels.sample import DrawWeights
from sgl_rec.kernels.sample_torch import sample
from sgl_rec.types import PairIndex
from tests.reference.hash import uniform_bits


def test_ranks_skip_what_is_touched() -> None:
    pairs = PairIndex(torch.tensor([0, 2]), torch.tensor([0, 2]), 5)
    drawn = sample(torch.zeros(20, dtype=torch.int64), 2, pairs, 6, None)
    untouched = [1, 3, 4]
    for row in range(20):
        for which in range(2):
            assert drawn[row, which] == untouched[uniform_bits(6, row, which) * 3 // 2**32]


def test_weighted_ranks_skip_the_mass_of_what_is_touched() -> None:
    pairs = PairIndex(torch.tensor([0, 2]), torch.tensor([0, 2]), 5)
    weights = DrawWeights.build(torch.tensor([7, 1, 9, 0, 3]), touched=pairs)
    assert weights.item_before.tolist() == [0, 7, 8, 17, 17, 20]
    assert weights.free_before.tolist() == [0, 1]
    drawn = sample(torch.zeros(20, dtype=torch.int64), 1, pairs, 6, weights)
    by_mass = [1, 4, 4, 4]
    assert drawn[:, 0].tolist() == [by_mass[uniform_bits(6, row) * 4 // 2**32] for row in range(20)]
