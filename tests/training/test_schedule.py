"""A learning rate that rises on a line and falls on a cosine."""

from __future__ import annotations

import math

import pytest

from sgl_rec.training.schedule import cosine


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_up_then_down(warmup: int) -> None:
    rate = cosine(0.2, num_steps=10, num_warmup_steps=warmup)
    rates = [rate(step) for step in range(10)]
    assert rates[warmup] == max(rates) == 0.2
    assert rates[: warmup + 1] == sorted(rates[: warmup + 1])
    assert rates[warmup:] == sorted(rates[warmup:], reverse=True)
    assert all(0 < one <= 0.2 for one in rates)


def test_by_hand() -> None:
    rate = cosine(1.0, num_steps=4, num_warmup_steps=0)
    assert [rate(step) for step in range(4)] == pytest.approx(
        [1.0, (1 + math.cos(math.pi / 4)) / 2, 0.5, (1 - math.cos(math.pi / 4)) / 2]
    )


def test_one_step() -> None:
    assert cosine(0.3, num_steps=1)(0) == 0.3
