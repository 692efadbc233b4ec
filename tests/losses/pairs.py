"""What the tests of the pair losses share: random rows, and how a loss is compared with its loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[..., Tensor]


def rows(num: int, width: int = 5, *, seed: int) -> Tensor:
    return torch.randn(num, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fixed(num: int, like: Tensor, *, seed: int) -> Tensor:
    """Rows without a gradient, of another's width and type: the same numbers in every type."""
    return rows(num, like.shape[1], seed=seed).bfloat16().to(like.dtype)


def assert_equals(value: Tensor, expected: list[float] | float, *, close: float = 1e-11) -> None:
    torch.testing.assert_close(value, torch.tensor(expected, dtype=torch.float64), rtol=close, atol=close)


def gradients(loss: Loss, *leaves: Tensor) -> list[Tensor]:
    """The value of the summed loss and the gradients of its arguments, in float64."""
    leaves = tuple(leaf.detach().clone().requires_grad_() for leaf in leaves)
    value = loss(*leaves).sum()
    return [part.detach().double() for part in (value, *torch.autograd.grad(value, leaves))]


def assert_same_in_low_precision(loss: Loss, *leaves: Tensor, close: float) -> None:
    """float32 and bfloat16 rows: finite, value and gradients near those of the same numbers in float64."""
    for dtype in (torch.float32, torch.bfloat16):
        low = [leaf.to(dtype) for leaf in leaves]
        exact = gradients(loss, *(leaf.double() for leaf in low))
        for place, (got, expected) in enumerate(zip(gradients(loss, *low), exact, strict=True)):
            assert got.isfinite().all()
            # a gradient has the type of its rows: bfloat16 keeps three digits of it
            bound = max(close, 1e-2) if place and dtype == torch.bfloat16 else close
            assert (got - expected).norm() <= bound * max(1.0, float(expected.norm()))
