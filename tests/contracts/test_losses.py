"""What every listed loss must do; a new one is tested by being listed in LOSSES."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.losses import LOSSES, Objective
from sgl_rec.types import Batch, Embeddings, Step


def random_step() -> tuple[Step, list[Tensor]]:
    """A tiny step with repeats and a zero row, and the tables a gradient may reach."""
    generator = torch.Generator().manual_seed(0)
    tables = [torch.randn(num, 8, generator=generator) for _ in range(4) for num in (6, 9)]
    for part in tables:
        part[2] = 0
        part.requires_grad_()
    embeddings, initial, first, second = (
        Embeddings(user, item) for user, item in zip(tables[::2], tables[1::2], strict=True)
    )
    batch = Batch(torch.tensor([0, 2, 5, 0]), torch.tensor([1, 2, 1, 8]), torch.tensor([3, 0, 2, 3]))
    return Step(batch, embeddings, initial, (first, second)), tables


def value_and_gradients(term: nn.Module) -> tuple[Tensor, list[Tensor]]:
    step, tables = random_step()
    value = term(step)
    gradients = torch.autograd.grad(value, tables, allow_unused=True)
    return value, [gradient for gradient in gradients if gradient is not None]


@pytest.fixture(params=LOSSES.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_finite_scalar_with_finite_gradients(name: str) -> None:
    value, gradients = value_and_gradients(LOSSES[name]())
    assert value.shape == ()
    assert value.isfinite()
    assert gradients
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)


def test_same_bits_every_time(name: str) -> None:
    first, second = (value_and_gradients(LOSSES[name]()) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert all(map(torch.equal, first[1], second[1]))


def test_fits_into_an_objective(name: str) -> None:
    terms = Objective({name: (LOSSES[name](), 0.5)})(random_step()[0])
    torch.testing.assert_close(terms.total, 0.5 * terms.values[name])
