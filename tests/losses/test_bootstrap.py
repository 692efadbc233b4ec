"""BYOL's loss against a loop."""

from __future__ import annotations

import jaxtyping
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.losses.bootstrap import byol
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, fixed, rows
from tests.reference import pair_losses as reference

PREDICTION, TARGET = rows(5, seed=1), rows(5, seed=2)


def test_equals_loops() -> None:
    assert_equals(byol(PREDICTION, TARGET), reference.byol(PREDICTION.tolist(), TARGET.tolist()))


def test_gradcheck_and_no_gradient_for_the_target() -> None:
    assert torch.autograd.gradcheck(lambda q: byol(q, TARGET), [PREDICTION.clone().requires_grad_()])
    prediction, target = PREDICTION.clone().requires_grad_(), TARGET.clone().requires_grad_()
    byol(prediction, target).sum().backward()
    assert prediction.grad is not None
    assert target.grad is None


def test_a_prediction_that_comes_closer_lowers_the_loss() -> None:
    unit = torch.nn.functional.normalize
    assert (byol(unit(PREDICTION) + 0.5 * unit(TARGET), TARGET) < byol(PREDICTION, TARGET)).all()


def test_bounds() -> None:
    torch.testing.assert_close(byol(PREDICTION, 3 * PREDICTION), torch.zeros(5).double())
    torch.testing.assert_close(byol(PREDICTION, -PREDICTION), torch.full((5,), 4.0).double())
    prediction = torch.zeros(1, 3, requires_grad=True)
    byol(prediction, torch.ones(1, 3)).backward()
    assert prediction.grad is not None
    assert not prediction.grad.any(), "a zero row has no direction"


def test_scale_and_order_do_not_matter_the_pairing_does() -> None:
    losses = byol(PREDICTION, TARGET)
    scale, order = torch.logspace(-9, 9, 5).double()[:, None], torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(byol(scale * PREDICTION, 30 * TARGET), losses)
    torch.testing.assert_close(byol(PREDICTION[order], TARGET[order]), losses[order])
    assert (byol(PREDICTION, TARGET[order]) - losses).abs().min() > 1e-3


def test_low_precision_equals_float64() -> None:
    assert_same_in_low_precision(lambda q: byol(q, fixed(5, q, seed=2)), 30 * rows(5, 16, seed=1), close=1e-5)


def test_wrong_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match="byol: target must be of the shape of prediction"):
        byol(PREDICTION, TARGET[:2])
