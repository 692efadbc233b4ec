"""The losses of metric learning against loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses import info_nce
from sgl_rec.losses.metric import logistic, margin_contrastive, n_pair, triplet
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, rows
from tests.reference import pair_losses as reference

ANCHOR, POSITIVE, NEGATIVE = rows(7, seed=1), rows(7, seed=2), rows(7, seed=3)
LABEL = torch.tensor([3, -1, 3, 8, 8, 3, 5])

Labelled = Callable[[Tensor, Tensor], Tensor]
LABELLED: dict[str, Labelled] = {
    "margin_contrastive": lambda embedding, label: margin_contrastive(embedding, label, margin=3.0),
    "logistic": lambda embedding, label: logistic(embedding, label, temperature=0.2),
}


@pytest.fixture(params=LABELLED)
def labelled(request: pytest.FixtureRequest) -> Labelled:
    return LABELLED[request.param]


def test_equals_loops() -> None:
    anchor, positive, negative, label = (part.tolist() for part in (ANCHOR, POSITIVE, NEGATIVE, LABEL))
    assert_equals(n_pair(ANCHOR, POSITIVE), reference.n_pair(anchor, positive))
    assert_equals(
        n_pair(10 * ANCHOR, 10 * POSITIVE), reference.n_pair((10 * ANCHOR).tolist(), (10 * POSITIVE).tolist())
    )
    for margin in (0.1, 1.0, 4.0):
        assert_equals(
            triplet(ANCHOR, POSITIVE, NEGATIVE, margin=margin),
            reference.triplet(anchor, positive, negative, margin),
        )
        assert_equals(
            margin_contrastive(ANCHOR, LABEL, margin=margin), reference.margin_contrastive(anchor, label, margin)
        )
    for temperature in (0.5, 0.005):
        assert_equals(
            logistic(ANCHOR, LABEL, temperature=temperature), reference.logistic(anchor, label, temperature)
        )


def test_gradcheck(labelled: Labelled) -> None:
    leaves = [part[:4, :3].clone().requires_grad_() for part in (ANCHOR, POSITIVE, NEGATIVE)]
    assert torch.autograd.gradcheck(triplet, leaves)
    assert torch.autograd.gradcheck(n_pair, leaves[:2])
    assert torch.autograd.gradcheck(lambda x: labelled(x, LABEL), [ANCHOR[:, :3].clone().requires_grad_()])
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: logistic(ANCHOR, LABEL, temperature=t), [temperature])


def test_equal_embeddings() -> None:
    same = torch.ones(7, 4, requires_grad=True)
    softplus = torch.nn.functional.softplus
    apart, together = softplus(torch.tensor(5.0)).item(), softplus(torch.tensor(-5.0)).item()
    positives = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    for value, expected in (
        (triplet(same, same, same, margin=0.7), torch.full((7,), 0.7)),
        (n_pair(same, same), torch.full((7,), math.log(7))),
        (margin_contrastive(same, LABEL, margin=3.0), torch.full((7,), 4.5)),
        (logistic(same, LABEL, temperature=0.2), apart + together * positives),
    ):
        torch.testing.assert_close(value, expected)
        (gradient,) = torch.autograd.grad(value.sum(), same)
        assert gradient.isfinite().all(), "a distance of 0 has a slope of 0"


def test_what_comes_closer_lowers_the_loss_what_goes_away_too(labelled: Labelled) -> None:
    closer, farther = ANCHOR + 0.5 * (POSITIVE - ANCHOR), ANCHOR + 2 * (NEGATIVE - ANCHOR)
    before = triplet(ANCHOR, POSITIVE, NEGATIVE, margin=9.0)
    assert (triplet(ANCHOR, closer, NEGATIVE, margin=9.0) < before).all()
    assert (triplet(ANCHOR, POSITIVE, farther, margin=9.0) < before).all()
    moved = POSITIVE.clone()
    moved[2] += ANCHOR[2]
    assert n_pair(ANCHOR, moved)[2] < n_pair(ANCHOR, POSITIVE)[2]
    together, apart = ANCHOR.clone(), ANCHOR.clone()
    together[4] = ANCHOR[3]  # of one label
    apart[3] = -ANCHOR[1]  # of two
    assert labelled(together, LABEL)[3] < labelled(ANCHOR, LABEL)[3]
    assert labelled(apart, LABEL)[1] < labelled(ANCHOR, LABEL)[1]


def test_beyond_the_margin_there_is_no_loss_and_no_slope() -> None:
    corners = (10 * torch.eye(3)).requires_grad_()
    for value in (
        margin_contrastive(corners, torch.arange(3)),
        triplet(corners, corners + 1, corners.roll(1, 0)),
    ):
        assert value.tolist() == [0, 0, 0]
        assert not torch.autograd.grad(value.sum(), corners)[0].any()


def test_n_pair_is_a_softmax_over_the_positives() -> None:
    logits = ANCHOR @ POSITIVE.T
    expected = torch.nn.functional.cross_entropy(logits, torch.arange(7), reduction="none")
    losses = n_pair(ANCHOR, POSITIVE)
    torch.testing.assert_close(losses, expected)
    weight = torch.linspace(-1, 1, 7).double()
    torch.testing.assert_close(n_pair(ANCHOR, POSITIVE, weight=weight), weight @ losses)
    assert (n_pair(POSITIVE, ANCHOR) - losses).abs().min() > 1e-3, "anchors are not positives"
    same = info_nce(ANCHOR, POSITIVE, torch.arange(7), temperature=1.0, similarity="dot")
    assert torch.equal(losses, same)


def test_order_and_names_of_labels_do_not_matter(labelled: Labelled) -> None:
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    losses = labelled(ANCHOR, LABEL)
    torch.testing.assert_close(labelled(ANCHOR[order], LABEL[order]), losses[order])
    torch.testing.assert_close(labelled(ANCHOR, 5 - 3 * LABEL), losses)
    assert (labelled(ANCHOR, LABEL[order]) - losses).abs().max() > 1e-2
    torch.testing.assert_close(n_pair(ANCHOR[order], POSITIVE[order]), n_pair(ANCHOR, POSITIVE)[order])
    swapped = triplet(ANCHOR, NEGATIVE, POSITIVE, margin=9.0) - triplet(ANCHOR, POSITIVE, NEGATIVE, margin=9.0)
    assert swapped.abs().min() > 1e-3


def test_scale_matters_to_distances_and_not_to_cosines() -> None:
    scale = torch.logspace(-9, 9, 7).double()[:, None]
    torch.testing.assert_close(
        logistic(scale * ANCHOR, LABEL, temperature=0.2), logistic(ANCHOR, LABEL, temperature=0.2)
    )
    torch.testing.assert_close(
        margin_contrastive(3 * ANCHOR, LABEL, margin=3.0), 9 * margin_contrastive(ANCHOR, LABEL, margin=1.0)
    )
    torch.testing.assert_close(
        triplet(3 * ANCHOR, 3 * POSITIVE, 3 * NEGATIVE, margin=3.0), 3 * triplet(ANCHOR, POSITIVE, NEGATIVE)
    )
    far = 5 + ANCHOR
    torch.testing.assert_close(margin_contrastive(far, LABEL), margin_contrastive(ANCHOR, LABEL))


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_low_precision_equals_float64(scale: float, labelled: Labelled) -> None:
    parts = [scale * rows(7, 16, seed=seed) for seed in (1, 2, 3)]
    assert_same_in_low_precision(lambda *some: triplet(*some, margin=scale), *parts, close=1e-4)
    assert_same_in_low_precision(n_pair, *parts[:2], close=1e-4)
    assert_same_in_low_precision(lambda x: labelled(x, LABEL), parts[0], close=1e-4)
    assert_same_in_low_precision(lambda x: logistic(x, LABEL, temperature=0.005), parts[0], close=2e-4)


def test_one_row(labelled: Labelled) -> None:
    one = ANCHOR[:1].clone().requires_grad_()
    for value in (labelled(one, LABEL[:1]), n_pair(one, POSITIVE[:1])):
        assert value.item() == pytest.approx(0, abs=1e-15)
        assert torch.autograd.grad(value.sum(), one)[0].abs().max() < 1e-15


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: triplet(ANCHOR, POSITIVE, NEGATIVE[:2]), "triplet: negative must be of the shape of anchor"),
        (lambda: triplet(ANCHOR, POSITIVE[:2], NEGATIVE), "triplet: positive must be of the shape of anchor"),
        (lambda: triplet(ANCHOR, POSITIVE, NEGATIVE, margin=0.0), "triplet: margin must be finite and > 0"),
        (lambda: margin_contrastive(ANCHOR, LABEL[:2]), r"margin_contrastive: label must be of shape \(7,\)"),
        (lambda: margin_contrastive(ANCHOR, LABEL, margin=math.nan), "margin_contrastive: margin must be finite"),
        (lambda: logistic(ANCHOR, LABEL[:2], temperature=0.2), r"logistic: label must be of shape \(7,\)"),
        (lambda: logistic(ANCHOR, LABEL, temperature=0.0), "logistic: temperature must be finite and > 0"),
        (lambda: n_pair(ANCHOR, POSITIVE[:2]), "n_pair: positive must be of the shape of anchor"),
    ],
)
def test_wrong_input_is_named(call: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=message):
        call()
