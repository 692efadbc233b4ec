"""The objective's arithmetic, what it refuses, and the hooks it passes on."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.errors import UserError
from sgl_rec.losses import Objective
from sgl_rec.types import Batch, Embeddings, Step

TABLE = Embeddings(torch.ones(2, 3), torch.ones(2, 3))
STEP = Step(Batch(torch.tensor([0]), torch.tensor([1]), torch.tensor([0])), TABLE, TABLE)


class Learned(nn.Module):
    """A term that is a parameter, and remembers what it was told."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.heard: list[object] = []

    def forward(self, step: Step) -> Tensor:
        assert step is STEP
        return self.value * 1

    def on_epoch(self, embeddings: Embeddings) -> None:
        self.heard.append(embeddings)

    def after_step(self) -> None:
        self.heard.append("step")


class Deaf(nn.Module):
    def forward(self, step: Step) -> Tensor:
        raise AssertionError("a term of weight 0 must not be computed")


def test_weighted_sum_and_unweighted_detached_values() -> None:
    objective = Objective({"a": (Learned(2.0), 0.5), "b": (Learned(-3.0), 4.0), "off": (Deaf(), 0.0)})
    terms = objective(STEP)
    assert terms.total.item() == 0.5 * 2 + 4 * -3
    assert {label: value.item() for label, value in terms.values.items()} == {"a": 2.0, "b": -3.0}
    assert not any(value.requires_grad for value in terms.values.values())
    terms.total.backward()
    assert [parameter.grad.item() for parameter in objective.parameters()] == [0.5, 4.0]
    assert list(objective.state_dict()) == ["terms.a.value", "terms.b.value"]


def test_hooks_reach_the_terms_that_have_them() -> None:
    learned = Learned(1.0)
    objective = Objective({"learned": (learned, 1.0), "deaf": (Deaf(), 1.0)})
    objective.on_epoch(TABLE)
    objective.after_step()
    assert learned.heard == [TABLE, "step"]


@pytest.mark.parametrize("weight", [-0.1, math.nan, math.inf])
def test_weight_out_of_range(weight: float) -> None:
    with pytest.raises(UserError, match="weight of 'a' must be finite and >= 0"):
        Objective({"a": (Deaf(), weight)})


@pytest.mark.parametrize("label", ["", "a.b", "keys"])
def test_label_that_names_no_module(label: str) -> None:
    with pytest.raises(UserError, match="label must be a plain name"):
        Objective({label: (Deaf(), 1.0)})


def test_nothing_to_minimise() -> None:
    for terms in ({}, {"a": (Deaf(), 0.0)}):
        with pytest.raises(UserError, match="at least one with a weight above 0"):
            Objective(terms)
