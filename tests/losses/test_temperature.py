"""The learnt temperature: where it begins, where it goes, where it stops."""

from __future__ import annotations

import math

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.losses.presets import clip
from sgl_rec.losses.temperature import LearnedTemperature
from tests.losses.pairs import rows


def test_begins_as_clip_does() -> None:
    temperature = LearnedTemperature()
    assert temperature.log_scale.item() == pytest.approx(math.log(1 / 0.07))
    assert temperature().item() == pytest.approx(0.07)
    assert list(temperature.state_dict()) == ["log_scale"]


def test_gradcheck() -> None:
    temperature = LearnedTemperature(start=0.3).double()
    view, other = rows(4, seed=1), rows(4, seed=2)

    def loss(log_scale: torch.Tensor) -> torch.Tensor:
        value = torch.func.functional_call(temperature, {"log_scale": log_scale}, ())
        return clip(view, other, temperature=value)

    assert torch.autograd.gradcheck(loss, [torch.tensor(1.2, dtype=torch.float64, requires_grad=True)])


def test_pairs_that_are_right_make_it_colder() -> None:
    temperature = LearnedTemperature(start=0.2)
    view = rows(6, seed=1).float()
    clip(view, view, temperature=temperature()).sum().backward()
    assert temperature.log_scale.grad is not None
    assert temperature.log_scale.grad < 0


def test_is_clipped_at_a_scale_of_100_and_comes_back() -> None:
    temperature = LearnedTemperature()
    with torch.no_grad():
        temperature.log_scale.fill_(7.0)
    temperature.after_step()
    assert 1 / temperature().item() == pytest.approx(100, rel=1e-5)
    temperature().backward()
    assert temperature.log_scale.grad is not None
    assert temperature.log_scale.grad.abs() > 0, "at the bound there is a slope"
    with torch.no_grad():
        temperature.log_scale.fill_(-3.0)
    temperature.after_step()
    assert temperature.log_scale.item() == -3, "there is no lower bound"


@pytest.mark.parametrize(
    ("start", "largest", "message"),
    [
        (0.0, 100.0, "LearnedTemperature: start must be finite and > 0"),
        (0.07, math.inf, "LearnedTemperature: largest_scale must be finite and > 0"),
        (0.005, 100.0, r"LearnedTemperature: start must be at least 1 / largest_scale = 0.01, got 0.005"),
    ],
)
def test_out_of_range(start: float, largest: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        LearnedTemperature(start=start, largest_scale=largest)
