"""What every listed pair loss must do; a new one is tested by being listed in PAIR_LOSSES."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.errors import UserError
from sgl_rec.losses import PAIR_LOSSES, PairStep

WIDTH = 16
PARTS = ("first", "second", "first_target", "second_target", "negative")
OPTIONAL = ("first_target", "second_target", "label", "negative")


def make(name: str, *, width: int = WIDTH) -> nn.Module:
    """The term with its defaults, and what the program gives."""
    takes = inspect.signature(PAIR_LOSSES[name]).parameters
    given: dict[str, Any] = {"embedding_dim": width, "generator": torch.Generator().manual_seed(1)}
    term: nn.Module = PAIR_LOSSES[name](**{key: value for key, value in given.items() if key in takes})
    return term


def random_step(num: int = 6, *, seed: int = 0, scale: float = 1.0) -> PairStep:
    """Views that are alike, their targets, labels with repeats."""
    generator = torch.Generator().manual_seed(seed)
    middle = torch.randn(num, WIDTH, generator=generator)
    parts = {name: scale * (middle + torch.randn(num, WIDTH, generator=generator)) for name in PARTS}
    return PairStep(**parts, label=torch.arange(num) // 2)


def changed(step: PairStep, **parts: Any) -> PairStep:
    return replace(step, **parts)


def cast(step: PairStep, dtype: torch.dtype) -> PairStep:
    return changed(step, **{name: getattr(step, name).to(dtype) for name in PARTS})


def value_and_gradients(term: nn.Module, step: PairStep) -> list[Tensor]:
    """The value, and the gradients of the two views (0 where there is none) and of the term's parameters."""
    first, second = (getattr(step, name).clone().requires_grad_() for name in ("first", "second"))
    value = term(changed(step, first=first, second=second))
    leaves = [first, second, *term.parameters()]
    gradients = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    return [value.detach(), *gradients]


@pytest.fixture(params=PAIR_LOSSES.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_finite_scalar_with_finite_gradients(name: str) -> None:
    value, *gradients = value_and_gradients(make(name), random_step())
    assert value.shape == ()
    assert all(part.isfinite().all() for part in (value, *gradients))
    assert any(gradient.any() for gradient in gradients)


def test_same_bits_every_time(name: str) -> None:
    once, again = (value_and_gradients(make(name), random_step()) for _ in range(2))
    assert all(map(torch.equal, once, again))


def test_every_parameter_and_the_first_view_are_taught(name: str) -> None:
    term = make(name)
    _, first, _, *own = value_and_gradients(term, random_step())
    assert first.abs().sum() > 0
    assert all(gradient.any() for gradient in own)


def test_a_step_down_the_slope_lowers_it(name: str) -> None:
    term, step = make(name).double(), cast(random_step(), torch.float64)
    before, first, second, *_ = value_and_gradients(term, step)
    length = 1e-4 / torch.cat([first, second]).norm().clamp(min=1e-9)
    down = changed(step, first=step.first - length * first, second=step.second - length * second)
    assert term(down) < before


def test_the_order_of_the_batch_does_not_matter(name: str) -> None:
    term, step = make(name).double(), cast(random_step(), torch.float64)
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    shuffled = changed(step, **{part: getattr(step, part)[order] for part in (*PARTS, "label")})
    torch.testing.assert_close(term(shuffled), term(step))


def test_partners_mixed_up_are_another_loss(name: str) -> None:
    """Without labels that join rows: who belongs to whom is then said by the order alone."""
    label = torch.arange(6) if name == "supervised_contrastive" else None
    term, step = make(name), changed(random_step(), label=label)
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    mixed = changed(step, second=step.second[order], second_target=step.second_target[order])  # type: ignore[index]
    assert term(mixed) > term(step) + 1e-3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_low_precision_is_near_float64(name: str, dtype: torch.dtype, scale: float) -> None:
    step = cast(random_step(scale=scale), dtype)
    value, *gradients = value_and_gradients(make(name), step)
    exact, *expected = value_and_gradients(make(name).double(), cast(step, torch.float64))
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), exact, rtol=1e-4, atol=2e-4)  # dot products of 2000 have no more
    for got, wanted in zip(gradients, expected, strict=True):
        close = 1e-2 if got.dtype == torch.bfloat16 else 1e-3
        # a share is known to the last digits of its logit, a dot product of 2000, and stands before a row
        assert (got.double() - wanted).norm() <= close * wanted.norm() + 2e-5 * step.first.double().norm()


def test_inside_autocast_it_is_the_same(name: str) -> None:
    term, step = make(name), random_step()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = term(step)
    torch.testing.assert_close(inside, term(step))


@pytest.mark.parametrize("num", [1, 2])
def test_small_batches(name: str, num: int) -> None:
    parts = value_and_gradients(make(name), random_step(num))
    assert all(part.isfinite().all() for part in parts)


@pytest.mark.parametrize("constant", [0.0, 1.0])
def test_equal_rows(name: str, constant: float) -> None:
    rows = torch.full((5, WIDTH), constant)
    step = PairStep(**dict.fromkeys(PARTS, rows), label=torch.arange(5))
    assert all(part.isfinite().all() for part in value_and_gradients(make(name), step))


def test_targets_get_no_gradient(name: str) -> None:
    step = random_step()
    targets = {part: getattr(step, part).requires_grad_() for part in ("first_target", "second_target")}
    first = step.first.clone().requires_grad_()
    make(name)(changed(step, first=first, **targets)).backward()
    assert first.grad is not None
    assert all(target.grad is None for target in targets.values())


def test_a_part_that_it_needs_is_asked_for_by_name(name: str) -> None:
    for part in OPTIONAL:
        refused = refusal(make(name), changed(random_step(), **{part: None}))
        assert refused is None or refused.startswith(f"{name}: {part} must be given, got None; ")


def refusal(term: nn.Module, step: PairStep) -> str | None:
    try:
        term(step)
    except UserError as error:
        return str(error)
    return None


def test_its_state_is_all_that_makes_it_go_on_alike(name: str) -> None:
    """Two steps, the state moved to a fresh term, one step more on both."""
    term, other = make(name), make(name)
    for seed in (1, 2):
        term(random_step(seed=seed))
        after_step(term)
    other.load_state_dict(term.state_dict())
    step = random_step(seed=3)
    assert all(map(torch.equal, value_and_gradients(term, step), value_and_gradients(other, step)))
    after_step(term)
    after_step(other)
    assert all(map(torch.equal, term.state_dict().values(), other.state_dict().values()))


def after_step(term: nn.Module) -> None:
    if hook := getattr(term, "after_step", None):
        hook()
