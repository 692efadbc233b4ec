"""BPR against loops."""

from __future__ import annotations

import math

import torch

from sgl_rec.losses import bpr
from tests.reference import ranking as reference


def triples(num: int = 6, width: int = 4) -> torch.Tensor:
    return torch.randn(3, num, width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_equals_loops() -> None:
    expected = reference.bpr(*(part.tolist() for part in triples()))
    torch.testing.assert_close(bpr(*triples()), torch.tensor(expected, dtype=torch.float64))


def test_gradcheck() -> None:
    assert torch.autograd.gradcheck(bpr, [part.requires_grad_() for part in triples(3, 2)])


def test_swapping_positive_and_negative_adds_the_margin() -> None:
    user, positive, negative = triples()
    margin = (user * (positive - negative)).sum(1)
    torch.testing.assert_close(bpr(user, negative, positive) - bpr(user, positive, negative), margin)


def test_equal_scores_give_log_2() -> None:
    same = torch.ones(2, 3)
    torch.testing.assert_close(bpr(same, same, same), torch.full((2,), math.log(2)))


def test_large_margins_stay_finite() -> None:
    user = 30 * torch.ones(2, 1)
    item = torch.tensor([[30.0], [-30.0]], requires_grad=True)
    losses = bpr(user, item, -item)
    assert losses.tolist() == [0.0, 1800.0]
    losses.sum().backward()
    assert item.grad is not None
    assert item.grad.tolist() == [[0.0], [-60.0]]
