"""The supervised contrast against loops, with rows that have no positive among them."""

from __future__ import annotations

import math

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses.presets import nt_xent
from sgl_rec.losses.supervised import num_positives, supervised_contrastive
from sgl_rec.types import Precision
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, rows
from tests.reference import pair_losses as reference

ROWS = rows(7, seed=1)
LABEL = torch.tensor([3, -1, 3, 8, 8, 3, 5])
ALONE = [1, 6]


@pytest.mark.parametrize("temperature", [0.5, 0.05, 0.005])
def test_equals_loops(temperature: float) -> None:
    losses = supervised_contrastive(ROWS, LABEL, temperature=temperature)
    assert_equals(losses, reference.supervised_contrastive(ROWS.tolist(), LABEL.tolist(), temperature))
    weight = torch.tensor([1.0, 7.0, 0.0, -2.0, 0.5, 1.0, math.pi], dtype=torch.float64)
    total = supervised_contrastive(ROWS, LABEL, temperature=temperature, weight=weight)
    torch.testing.assert_close(total, weight @ losses)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradcheck(weighted: bool) -> None:
    weight = torch.linspace(1, 2, 7, dtype=torch.float64) if weighted else None

    def loss(embedding: Tensor, temperature: Tensor) -> Tensor:
        return supervised_contrastive(embedding, LABEL, temperature=temperature, weight=weight)

    leaves = [rows(7, 3, seed=2), torch.tensor(0.4, dtype=torch.float64)]
    assert torch.autograd.gradcheck(loss, [leaf.requires_grad_() for leaf in leaves])


def test_equal_embeddings_give_the_log_of_the_others() -> None:
    for label in (torch.zeros(7, dtype=torch.int64), LABEL):
        losses = supervised_contrastive(torch.ones(7, 4), label, temperature=0.2)
        expected = torch.full((7,), math.log(6)).where(num_positives(label) > 0, 0.0)
        torch.testing.assert_close(losses, expected, atol=2e-6, rtol=0)


def test_row_numbers_of_two_views_make_it_nt_xent() -> None:
    first, second = rows(5, seed=1), rows(5, seed=2)
    label = torch.arange(5).repeat(2)
    torch.testing.assert_close(
        supervised_contrastive(torch.cat([first, second]), label, temperature=0.1),
        nt_xent(first, second, temperature=0.1),
    )


def test_a_positive_that_comes_closer_lowers_the_loss_of_its_row() -> None:
    closer = ROWS.clone()
    closer[4] = torch.nn.functional.normalize(ROWS[4], dim=0) + torch.nn.functional.normalize(ROWS[3], dim=0)
    before, after = (supervised_contrastive(part, LABEL, temperature=0.2)[3] for part in (ROWS, closer))
    assert after < before


def test_rows_without_a_positive_count_for_nothing_and_stay_candidates() -> None:
    embedding = ROWS.clone().requires_grad_()
    losses = supervised_contrastive(embedding, LABEL, temperature=0.2)
    assert num_positives(LABEL).tolist() == [2, 0, 2, 1, 1, 2, 0]
    assert losses[ALONE].tolist() == [0, 0]
    (gradient,) = torch.autograd.grad(losses[ALONE].sum(), embedding, retain_graph=True)
    assert not gradient.any()
    (gradient,) = torch.autograd.grad(losses.sum(), embedding)
    assert gradient[ALONE].abs().sum(1).min() > 0, "the other rows are told from them"


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("num_rows", [1, 2])
def test_a_batch_without_any_positive(num_rows: int, weighted: bool) -> None:
    embedding = rows(num_rows, seed=1).requires_grad_()
    weight = torch.ones(num_rows) if weighted else None
    value = supervised_contrastive(embedding, torch.arange(num_rows), temperature=0.005, weight=weight).sum()
    value.backward()
    assert value.item() == 0
    assert embedding.grad is not None
    assert not embedding.grad.any()


def test_scale_order_and_names_of_labels_do_not_matter() -> None:
    losses = supervised_contrastive(ROWS, LABEL, temperature=0.2)
    scale = torch.logspace(-9, 9, 7, dtype=torch.float64)[:, None]
    torch.testing.assert_close(supervised_contrastive(scale * ROWS, LABEL, temperature=0.2), losses)
    torch.testing.assert_close(supervised_contrastive(ROWS, 1000 - 77 * LABEL, temperature=0.2), losses)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    shuffled = supervised_contrastive(ROWS[order], LABEL[order], temperature=0.2)
    torch.testing.assert_close(shuffled, losses[order])
    swapped = supervised_contrastive(ROWS[order], LABEL, temperature=0.2)
    assert (swapped - losses).abs().max() > 1e-3, "rows alone in another order are another problem"


@pytest.mark.parametrize("temperature", [0.005, 0.1])
def test_low_precision_equals_float64(temperature: float) -> None:
    assert_same_in_low_precision(
        lambda embedding: supervised_contrastive(embedding, LABEL, temperature=temperature),
        10 * rows(7, 16, seed=1),
        close=2e-4,
    )


def test_bfloat16_products() -> None:
    embedding, label = rows(60, 32, seed=1).float().requires_grad_(), torch.arange(60) % 9

    def gradient(precision: Precision) -> Tensor:
        value = supervised_contrastive(
            embedding, label, temperature=0.1, weight=torch.ones(60), precision=precision
        )
        return torch.autograd.grad(value, embedding)[0]

    exact = gradient("float32")
    assert 0 < (gradient("bfloat16") - exact).norm() < 1e-2 * exact.norm()


@pytest.mark.parametrize(
    ("label", "options", "message"),
    [
        (LABEL[:3], {}, r"supervised_contrastive: label must be of shape \(7,\), got \(3,\)"),
        (LABEL, {"temperature": 0.0}, "temperature must be finite and > 0, got 0.0; 0.1 is a usual start"),
        (LABEL, {"weight": torch.ones(3)}, r"weight must be of shape \(7,\)"),
    ],
)
def test_wrong_input_is_named(
    label: Tensor, options: dict[str, float], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=message):
        supervised_contrastive(ROWS, label, **{"temperature": 0.1, **options})
