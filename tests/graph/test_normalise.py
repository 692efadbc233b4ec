from __future__ import annotations

import pytest
import torch

from sgl_rec.graph.normalise import normalised

STAR = torch.tensor([0, 3, 4, 5, 6, 6]).int(), torch.tensor([1, 2, 3, 0, 0, 0]).int()


@pytest.mark.parametrize("exponents", [(0.5, 0.5), (1.0, 0.0), (0.0, 0.0), (-1.0, 2.0)])
def test_scales_are_powers_of_the_degrees(exponents: tuple[float, float]) -> None:
    adjacency = normalised(*STAR, exponents=exponents, dtype=torch.float64)
    for scale, exponent in zip((adjacency.left, adjacency.right), exponents, strict=True):
        # The last node is isolated: 0 for any exponent, 0 included.
        assert scale.tolist() == pytest.approx([3.0**-exponent, 1.0, 1.0, 1.0, 0.0], rel=1e-15)


def test_one_tensor_where_symmetric() -> None:
    symmetric = normalised(*STAR)
    assert symmetric.left is symmetric.right
    assert symmetric.transpose() is symmetric
    skew = normalised(*STAR, exponents=(1.0, 0.0))
    assert torch.equal(skew.transpose().left, skew.right)


def test_rows_sum_to_one_with_row_exponent_one() -> None:
    adjacency = normalised(*STAR, exponents=(1.0, 0.0), dtype=torch.float64)
    degree = torch.tensor([3, 1, 1, 1, 0])
    assert (adjacency.left * degree).tolist() == pytest.approx([1, 1, 1, 1, 0])
