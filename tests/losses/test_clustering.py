"""SwAV and its codes against loops, and that the prototypes stay on the sphere."""

from __future__ import annotations

import math
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses.clustering import Prototypes, balanced_codes, swav
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, fixed, rows
from tests.reference import pair_losses as reference

FIRST, SECOND, PROTOTYPE = rows(6, seed=1), rows(6, seed=2), rows(4, seed=3)


@pytest.mark.parametrize("num_iterations", [1, 3, 10])
@pytest.mark.parametrize("epsilon", [0.05, 0.5])
def test_equals_loops(epsilon: float, num_iterations: int) -> None:
    scores = rows(6, 4, seed=4).tanh()
    options: dict[str, Any] = {"epsilon": epsilon, "num_iterations": num_iterations}
    assert_equals(
        balanced_codes(scores, **options), reference.balanced_codes(scores.tolist(), epsilon, num_iterations)
    )
    parts = FIRST.tolist(), SECOND.tolist(), PROTOTYPE.tolist()
    for temperature in (0.1, 0.005):
        losses = swav(FIRST, SECOND, PROTOTYPE, temperature=temperature, **options)
        assert_equals(losses, reference.swav(*parts, temperature, epsilon, num_iterations))
        weight = torch.linspace(-1, 2, 6, dtype=torch.float64)
        total = swav(FIRST, SECOND, PROTOTYPE, temperature=temperature, weight=weight, **options)
        torch.testing.assert_close(total, weight @ losses)


def test_codes_are_shares_that_use_all_clusters_alike() -> None:
    scores = rows(12, 4, seed=4).tanh()
    scores[:, 0] += 2  # everybody's first choice
    code = balanced_codes(scores, num_iterations=200)
    torch.testing.assert_close(code.sum(1), torch.ones(12).double())
    torch.testing.assert_close(code.sum(0), torch.full((4,), 3.0).double(), rtol=1e-6, atol=0)
    assert not balanced_codes(scores.requires_grad_()).requires_grad


@pytest.mark.parametrize("epsilon", [1e-4, 1e3])
def test_codes_at_any_epsilon(epsilon: float) -> None:
    for scores in (
        rows(6, 4, seed=4),
        30 * rows(6, 4, seed=4),
        torch.zeros(6, 4),
        rows(1, 4, seed=5),
        rows(4, 1, seed=5),
    ):
        code = balanced_codes(scores.float(), epsilon=epsilon)
        assert code.isfinite().all()
        torch.testing.assert_close(code.sum(1), torch.ones(len(scores)), rtol=0, atol=1e-4)


def test_gradcheck_with_codes_that_stand_still() -> None:
    """The codes are constants: the slope is that of the loss with the codes of the point itself."""
    temperature = torch.tensor(0.3, dtype=torch.float64)
    unit = torch.nn.functional.normalize
    codes = [balanced_codes(unit(view) @ unit(PROTOTYPE).T) for view in (SECOND, FIRST)]

    def plain(first: Tensor, second: Tensor, prototype: Tensor, temperature: Tensor) -> Tensor:
        logits = [unit(view) @ unit(prototype).T / temperature for view in (first, second)]
        return -sum((code * part.log_softmax(1)).sum(1) for code, part in zip(codes, logits, strict=True)) / 2

    leaves = [part.clone().requires_grad_() for part in (FIRST, SECOND, PROTOTYPE, temperature)]
    assert torch.autograd.gradcheck(plain, leaves)
    for weight in (None, torch.linspace(1, 2, 6, dtype=torch.float64)):
        value = swav(*leaves[:3], temperature=leaves[3], weight=weight)
        expected = plain(*leaves)
        if weight is not None:
            expected = weight @ expected
        torch.testing.assert_close(value, expected)
        got, wanted = (torch.autograd.grad(part.sum(), leaves) for part in (value, expected))
        torch.testing.assert_close(got, wanted)


def test_equal_prototypes_give_log_k() -> None:
    for number in (1, 2, 9):
        losses = swav(FIRST, SECOND, torch.ones(number, 5).double(), temperature=0.1)
        torch.testing.assert_close(losses, torch.full((6,), math.log(number)).double())


def test_a_view_that_comes_closer_to_the_others_cluster_lowers_the_loss() -> None:
    leaf = FIRST.clone().requires_grad_()
    before = swav(leaf, SECOND, PROTOTYPE, temperature=0.1).sum()
    (gradient,) = torch.autograd.grad(before, leaf)
    assert swav(leaf - 1e-3 * gradient, SECOND, PROTOTYPE, temperature=0.1).sum() < before
    certain = PROTOTYPE[torch.tensor([0, 1, 2, 3, 0, 1])]
    agreed, apart = (
        swav(certain, other, PROTOTYPE, temperature=0.1).mean() for other in (certain, certain.roll(1, 0))
    )
    assert agreed < apart


def test_what_does_not_matter_and_what_does() -> None:
    losses = swav(FIRST, SECOND, PROTOTYPE, temperature=0.1)
    torch.testing.assert_close(swav(SECOND, FIRST, PROTOTYPE, temperature=0.1), losses)
    scale = torch.logspace(-9, 9, 6).double()[:, None]
    torch.testing.assert_close(swav(scale * FIRST, 30 * SECOND, 7 * PROTOTYPE, temperature=0.1), losses)
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    torch.testing.assert_close(swav(FIRST[order], SECOND[order], PROTOTYPE, temperature=0.1), losses[order])
    torch.testing.assert_close(swav(FIRST, SECOND, PROTOTYPE[[2, 0, 3, 1]], temperature=0.1), losses)
    assert (swav(FIRST, SECOND[order], PROTOTYPE, temperature=0.1) - losses).abs().max() > 1e-2
    assert (swav(PROTOTYPE, SECOND[:4], FIRST[:4], temperature=0.1) - losses[:4]).abs().max() > 1e-2


@pytest.mark.parametrize("temperature", [0.005, 0.1])
def test_low_precision_equals_float64(temperature: float) -> None:
    def loss(first: Tensor, second: Tensor) -> Tensor:
        return swav(first, second, fixed(4, first, seed=3), temperature=temperature)

    assert_same_in_low_precision(loss, 30 * rows(6, 16, seed=1), 30 * rows(6, 16, seed=2), close=2e-4)


def test_one_row() -> None:
    losses = swav(FIRST[:1], SECOND[:1], PROTOTYPE, temperature=0.1)
    assert losses.isfinite().all()
    assert swav(FIRST[:1], SECOND[:1], PROTOTYPE[:1], temperature=0.1).item() == pytest.approx(0, abs=1e-12)


def test_prototypes_return_to_the_sphere_after_a_step() -> None:
    def make() -> Prototypes:
        return Prototypes(num_prototypes=5, embedding_dim=3, generator=torch.Generator().manual_seed(1))

    prototypes = make()
    assert torch.equal(prototypes.weight, make().weight)
    torch.testing.assert_close(prototypes.weight.norm(dim=1), torch.ones(5))
    with torch.no_grad():
        prototypes.weight.mul_(torch.linspace(0.1, 9, 5)[:, None])
    assert prototypes.weight.norm(dim=1).max() > 2
    prototypes.after_step()
    torch.testing.assert_close(prototypes.weight, make().weight)
    assert prototypes.weight.requires_grad
    assert list(prototypes.state_dict()) == ["weight"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: swav(FIRST, SECOND[:2], PROTOTYPE, temperature=0.1),
            "swav: second must be of the shape of first",
        ),
        (
            lambda: swav(FIRST, SECOND, PROTOTYPE[:, :2], temperature=0.1),
            "swav: prototype must be of width 5, got 2",
        ),
        (lambda: swav(FIRST, SECOND, PROTOTYPE, temperature=0.0), "swav: temperature must be finite and > 0"),
        (lambda: swav(FIRST, SECOND, PROTOTYPE, temperature=0.1, epsilon=0.0), "epsilon must be finite and > 0"),
        (
            lambda: swav(FIRST, SECOND, PROTOTYPE, temperature=0.1, weight=torch.ones(2)),
            r"swav: weight must be of shape",
        ),
        (
            lambda: balanced_codes(FIRST, num_iterations=0),
            "balanced_codes: num_iterations must be at least 1, got 0",
        ),
        (
            lambda: Prototypes(num_prototypes=0, embedding_dim=3, generator=torch.Generator()),
            "Prototypes: num_prototypes must be at least 1, got 0",
        ),
    ],
)
def test_wrong_input_is_named(call: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=message):
        call()
