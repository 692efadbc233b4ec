"""What is refused before a loss computes, and the small things it is made of."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses import inputs


@pytest.mark.parametrize(
    ("rows", "got"),
    [
        (torch.ones(2, 3, dtype=torch.int64), r"torch.int64 of shape \(2, 3\)"),
        (torch.ones(3), r"torch.float32 of shape \(3,\)"),
        (torch.ones(0, 3), r"\(0, 3\)"),
        (torch.ones(3, 0), r"\(3, 0\)"),
    ],
)
def test_what_is_no_matrix(rows: Tensor, got: str) -> None:
    with pytest.raises(UserError, match=f"here: x must be a float matrix with rows and columns, got .*{got}"):
        inputs.check_matrix("here", "x", rows)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(UserError, match=r"here: y must be of the shape of x, \(2, 3\), got \(2, 4\)"):
        inputs.check_pair("here", ("x", torch.ones(2, 3)), ("y", torch.ones(2, 4)))
    with pytest.raises(UserError, match="here: y must be a float matrix"):
        inputs.check_pair("here", ("x", torch.ones(2, 3)), ("y", torch.ones(3)))
    with pytest.raises(UserError, match="here: x must be of width 4, got 3"):
        inputs.check_width("here", "x", torch.ones(2, 3), 4)
    with pytest.raises(UserError, match=r"here: x must be of shape \(4,\), got \(3,\)"):
        inputs.check_length("here", "x", torch.ones(3), 4)
    inputs.check_pair("here", ("x", torch.ones(2, 3)), ("y", torch.ones(2, 3)))
    inputs.check_width("here", "x", torch.ones(2, 3), 3)
    inputs.check_length("here", "x", torch.ones(3), 3)


@pytest.mark.parametrize(
    "value", [0.0, -1.0, math.nan, math.inf, torch.tensor(0.0), torch.tensor([1.0, math.nan])]
)
def test_what_is_not_positive(value: float | Tensor) -> None:
    with pytest.raises(UserError, match=r"here: margin must be finite and > 0, got .*; try 1"):
        inputs.check_positive("here", "margin", value, advice="try 1")


def test_what_is_positive() -> None:
    inputs.check_positive("here", "margin", 1e-300)
    inputs.check_positive("here", "margin", torch.tensor([1e-30, 5.0]))


def test_groups_number_the_labels() -> None:
    label = torch.randint(-3, 3, (50,), generator=torch.Generator().manual_seed(0)) * 10**12
    expected = label.unique(return_inverse=True)[1]
    assert torch.equal(inputs.groups(label), expected)
    assert inputs.groups(torch.tensor([5])).tolist() == [0]


def test_mean_weight_adds_up_to_one() -> None:
    weight = inputs.mean_weight(7, torch.ones(2))
    assert weight.shape == (7,)
    assert weight.sum().item() == pytest.approx(1)
