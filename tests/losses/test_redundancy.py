"""Barlow Twins against loops, and its two ends."""

from __future__ import annotations

import math

import jaxtyping
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.losses.redundancy import barlow_twins
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, rows
from tests.reference import pair_losses as reference

FIRST, SECOND = rows(8, 3, seed=1), rows(8, 3, seed=1) + 0.3 * rows(8, 3, seed=2)


@pytest.mark.parametrize("weight", [5e-3, 0.0, 2.0])
def test_equals_loops(weight: float) -> None:
    for first, second in ((FIRST, SECOND), (FIRST, 1e-3 * SECOND + 5)):
        value = barlow_twins(first, second, off_diagonal_weight=weight)
        assert_equals(value, reference.barlow_twins(first.tolist(), second.tolist(), weight))


def test_gradcheck() -> None:
    leaves = [FIRST[:5].clone().requires_grad_(), SECOND[:5].clone().requires_grad_()]
    assert torch.autograd.gradcheck(lambda x, y: barlow_twins(x, y, off_diagonal_weight=0.5), leaves)


def test_independent_dimensions_that_agree_are_the_least() -> None:
    corners = torch.cartesian_prod(*[torch.tensor([1.0, -1.0], dtype=torch.float64)] * 3)
    assert barlow_twins(corners, corners).item() == pytest.approx(0, abs=1e-9)
    assert barlow_twins(corners, -corners).item() == pytest.approx(3 * 2**2, rel=1e-4)
    repeated = corners[:, :1].expand(8, 3)
    assert barlow_twins(repeated, repeated).item() == pytest.approx(5e-3 * 6, rel=1e-4), "all pairs correlate"


@pytest.mark.parametrize("num_rows", [1, 2, 8])
def test_rows_that_are_equal_have_no_correlation(num_rows: int) -> None:
    first, second = torch.full((num_rows, 3), 7.25, requires_grad=True), rows(num_rows, 3, seed=1).float()
    value = barlow_twins(first, second)
    value.backward()
    assert value.item() == pytest.approx(3)
    assert first.grad is not None
    assert first.grad.isfinite().all()


def test_views_that_come_closer_lower_the_loss() -> None:
    noise = rows(8, 3, seed=2)
    far, near = (barlow_twins(FIRST, FIRST + share * noise) for share in (0.5, 0.1))
    assert near < far
    leaf = FIRST.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(barlow_twins(leaf, SECOND), leaf)
    assert barlow_twins(leaf - 1e-3 * gradient, SECOND) < barlow_twins(leaf, SECOND)


def test_what_does_not_matter_and_what_does() -> None:
    value = barlow_twins(FIRST, SECOND)
    order = torch.tensor([3, 0, 7, 6, 1, 2, 5, 4])
    torch.testing.assert_close(barlow_twins(FIRST[order], SECOND[order]), value)
    torch.testing.assert_close(barlow_twins(30 * FIRST + 5, 100 * SECOND - 7), value, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(barlow_twins(SECOND, FIRST), value, msg="the transposed matrix")
    assert (barlow_twins(FIRST, SECOND[order]) - value).abs() > 1e-2
    assert (barlow_twins(FIRST, SECOND[:, [1, 0, 2]]) - value).abs() > 1e-2


def test_low_precision_equals_float64() -> None:
    assert_same_in_low_precision(barlow_twins, 30 * rows(9, 16, seed=1), 30 * rows(9, 16, seed=2), close=1e-4)


def test_autocast_leaves_the_products_whole() -> None:
    first, second = FIRST.float(), SECOND.float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = barlow_twins(first, second)
    assert torch.equal(inside, barlow_twins(first, second))


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_wrong_input_is_named(weight: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match="barlow_twins: off_diagonal_weight must be finite and >= 0"):
        barlow_twins(FIRST, SECOND, off_diagonal_weight=weight)
    with pytest.raises(UserError, match="barlow_twins: second must be of the shape of first"):
        barlow_twins(FIRST, SECOND[:2])
