"""Logistic regression, against plain gradient descent on the stated objective."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.figures import classification_figures
from sgl_rec.evaluation.probes.linear import linear


def blobs(number: int, *, seed: int, spread: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(3, (number,), generator=generator)
    centre = torch.tensor([[2.0, 0.0, 5.0], [-2.0, 0.0, 5.0], [0.0, 200.0, 5.0]])
    scale = torch.tensor([1.0, 100.0, 0.0])
    return centre[label] + spread * scale * torch.randn(number, 3, generator=generator), label


@pytest.mark.parametrize("l2_weight", [0.1, 100.0])
def test_equals_newton_s_minimum_of_the_objective(l2_weight: float) -> None:
    train, label = blobs(120, seed=0, spread=1.5)
    test, wanted = blobs(200, seed=1, spread=1.5)
    mean, std = train.double().mean(0), train.double().std(0, correction=0)
    std[std == 0] = 1
    rows, other = (train - mean) / std, (test - mean) / std
    weight = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        losses = -(rows @ weight[:3] + weight[3]).log_softmax(1)[torch.arange(120), label]
        objective = losses.sum() + l2_weight / 2 * weight[:3].square().sum()
        objective.backward()
        return objective

    optimiser.step(closure)
    predicted = (other @ weight[:3] + weight[3]).argmax(1)
    assert linear(train, label, test, wanted, l2_weight=l2_weight) == pytest.approx(
        classification_figures(predicted, wanted), abs=0.011
    )


def test_what_is_apart_is_told_apart_at_any_scale() -> None:
    train, label = blobs(60, seed=0, spread=0.2)
    test, wanted = blobs(60, seed=1, spread=0.2)
    assert linear(train * 1e-4, label, test * 1e-4, wanted)["accuracy"] == 1.0


def test_noise_is_chance_and_an_unknown_class_is_missed() -> None:
    generator = torch.Generator().manual_seed(0)
    rows, label = torch.randn(400, 4, generator=generator), torch.randint(2, (400,), generator=generator)
    assert linear(rows[:200], label[:200], rows[200:], label[200:])["accuracy"] == pytest.approx(0.5, abs=0.1)
    train, known = blobs(60, seed=0, spread=0.2)
    assert linear(train, known, train[:4], torch.full((4,), 9))["accuracy"] == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [({"l2_weight": 0.0}, "l2_weight must be finite and > 0"), ({"max_iterations": 0}, "max_iterations must be")],
)
def test_refuses(change: dict[str, float], message: str) -> None:
    train, label = blobs(10, seed=0)
    with pytest.raises(UserError, match=f"linear: {message}"):
        linear(train, label, train, label, **change)
    with pytest.raises(UserError, match="linear: classes of train must be at least 2, got 1"):
        linear(train, label * 0, train, label)
