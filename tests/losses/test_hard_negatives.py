"""Hard negatives: what is found and what is weighted, against loops."""

from __future__ import annotations

import math
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.kernels.backend import using
from sgl_rec.losses.hard_negatives import batch_hard, hard_nt_xent, hardest_below, hardest_negatives
from sgl_rec.losses.presets import nt_xent
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, rows
from tests.reference import pair_losses as reference

FIRST, SECOND = rows(5, seed=1), rows(5, seed=2)


def labels(num: int, *, of: int, seed: int) -> Tensor:
    return torch.randint(of, (num,), generator=torch.Generator().manual_seed(seed)) - 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("k", [1, 4, 12])
def test_the_hardest_negatives_equal_loops(k: int, dtype: torch.dtype) -> None:
    anchor, candidate = rows(6, seed=1).to(dtype), rows(10, seed=2).to(dtype)
    own, ids = labels(6, of=3, seed=3), labels(10, of=3, seed=4)
    with using("torch"):  # which compiles nothing; the kernel's own tests compare its backends
        found = hardest_negatives(anchor, candidate, k=k, anchor_id=own, candidate_id=ids)
        everything = hardest_negatives(anchor, candidate, k=k)
    expected = reference.hardest_negatives(anchor.tolist(), candidate.tolist(), k, own.tolist(), ids.tolist())
    assert found.tolist() == expected
    assert everything.tolist() == reference.hardest_negatives(
        anchor.tolist(), candidate.tolist(), k, [-9] * 6, ids.tolist()
    )


def test_the_hardest_negatives_of_equal_rows_and_of_none() -> None:
    same, label = torch.ones(4, 3).double(), torch.tensor([1, 1, 2, 2])
    found = hardest_negatives(same, same, k=2, anchor_id=label, candidate_id=label)
    assert found.tolist() == [[2, 3], [2, 3], [0, 1], [0, 1]], "ties to the lower index"
    alone = hardest_negatives(
        same, same, k=2, anchor_id=torch.zeros(4).long(), candidate_id=torch.zeros(4).long()
    )
    assert alone.tolist() == [[-1, -1]] * 4
    scaled = hardest_negatives(FIRST, 5 * SECOND, k=3)
    assert torch.equal(hardest_negatives(7 * FIRST, SECOND, k=3), scaled)
    assert not hardest_negatives(FIRST.clone().requires_grad_(), SECOND, k=1).requires_grad


@pytest.mark.parametrize("share", [0.0, 0.8, 1.0])
def test_the_hardest_below_the_partner_equal_loops(share: float) -> None:
    """More rows than a block holds, partners at cosines of either sign, and rows with no candidate left."""
    own, partner, candidate = rows(1500, seed=1), rows(1500, seed=2), rows(6, seed=3)
    found = hardest_below(own, partner, candidate, share=share)
    expected = reference.hardest_below(own.tolist(), partner.tolist(), candidate.tolist(), share)
    assert found.tolist() == expected
    assert torch.equal(hardest_below(7 * own, partner, 5 * candidate, share=share), found)


def test_neither_a_row_nor_its_partner_is_below() -> None:
    own = torch.eye(3)
    for partner in (own + 0.1, 0.5 - own):
        found = hardest_below(own, partner, torch.cat([own, partner, -own])).tolist()
        assert all(place not in (row, 3 + row) for row, place in enumerate(found))


@pytest.mark.parametrize(
    ("candidate", "share", "message"),
    [
        (torch.ones(0, 3), 0.8, "candidate must be a float matrix with rows and columns"),
        (torch.ones(2, 3), 1.5, r"share must be in \[0, 1\], got 1.5"),
    ],
)
def test_what_hardest_below_refuses(candidate: Tensor, share: float, message: str) -> None:
    with pytest.raises(UserError, match=f"hardest_below: .*{message}"):
        hardest_below(torch.ones(2, 3), torch.ones(2, 3), candidate, share=share)


@pytest.mark.parametrize("seed", range(3))
def test_batch_hard_equals_loops(seed: int) -> None:
    embedding, label = rows(9, seed=seed), labels(9, of=4, seed=seed)
    found = batch_hard(embedding, label)
    assert tuple(part.tolist() for part in found) == reference.batch_hard(embedding.tolist(), label.tolist())


def test_batch_hard_without_a_choice() -> None:
    assert [part.tolist() for part in batch_hard(FIRST[:1], torch.tensor([0]))] == [[-1], [-1]]
    assert batch_hard(FIRST, torch.zeros(5).long())[1].tolist() == [-1] * 5
    assert batch_hard(FIRST, torch.arange(5))[0].tolist() == [-1] * 5
    positive, negative = batch_hard(torch.ones(4, 2), torch.tensor([0, 0, 1, 1]))
    assert positive.tolist() == [1, 0, 3, 2], "a row is not its own positive, however near the others"
    assert negative.tolist() == [2, 2, 0, 0]


@pytest.mark.parametrize("positive_prior", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("concentration", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("temperature", [0.5, 0.05])
def test_weighted_equals_loops(temperature: float, concentration: float, positive_prior: float) -> None:
    first, second = FIRST, FIRST + 0.5 * SECOND
    losses = hard_nt_xent(
        first, second, temperature=temperature, concentration=concentration, positive_prior=positive_prior
    )
    settings = (temperature, concentration, positive_prior)
    assert_equals(losses, reference.hard_nt_xent(first.tolist(), second.tolist(), *settings), close=1e-9)


def test_without_weights_and_prior_it_is_nt_xent() -> None:
    plain = nt_xent(FIRST, SECOND, temperature=0.3)
    losses = hard_nt_xent(FIRST, SECOND, temperature=0.3, concentration=0.0, positive_prior=0.0)
    torch.testing.assert_close(losses, plain)
    hard = hard_nt_xent(FIRST, SECOND, temperature=0.3, concentration=1.0, positive_prior=0.0)
    assert (hard > plain).all(), "what is similar weighs more"


@pytest.mark.parametrize("settings", [(0.0, 0.0), (1.0, 0.1), (2.0, 0.5)])
def test_gradcheck(settings: tuple[float, float]) -> None:
    """With the last settings some rows stand on the floor."""

    def loss(first: Tensor, second: Tensor) -> Tensor:
        return hard_nt_xent(first, second, temperature=0.4, concentration=settings[0], positive_prior=settings[1])

    leaves = [FIRST[:3, :3].clone().requires_grad_(), (FIRST + SECOND)[:3, :3].clone().requires_grad_()]
    assert torch.autograd.gradcheck(loss, leaves)


@pytest.mark.parametrize("num_rows", [2, 9])
@pytest.mark.parametrize("temperature", [0.5, 0.005])
def test_equal_embeddings_give_the_log_of_the_candidates(num_rows: int, temperature: float) -> None:
    same = torch.ones(num_rows, 4, dtype=torch.float64)
    losses = hard_nt_xent(same, same, temperature=temperature)
    torch.testing.assert_close(losses, torch.full_like(losses, math.log(2 * num_rows - 1)))


def test_one_pair_has_nothing_to_be_told_from() -> None:
    first, second = FIRST[:1].clone().requires_grad_(), SECOND[:1].clone().requires_grad_()
    losses = hard_nt_xent(first, second, temperature=0.05)
    losses.sum().backward()
    assert losses.tolist() == [0, 0]
    assert first.grad is not None
    assert not first.grad.any()


def test_a_partner_that_comes_closer_lowers_the_loss_of_its_row() -> None:
    closer = SECOND.clone()
    closer[2] = torch.nn.functional.normalize(SECOND[2], dim=0) + torch.nn.functional.normalize(FIRST[2], dim=0)
    before, after = (hard_nt_xent(FIRST, second, temperature=0.3)[2] for second in (SECOND, closer))
    assert after < before


def test_what_does_not_matter_and_what_does() -> None:
    losses = hard_nt_xent(FIRST, SECOND, temperature=0.3)
    scale, order = torch.logspace(-9, 9, 5).double()[:, None], torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(hard_nt_xent(scale * FIRST, 30 * SECOND, temperature=0.3), losses)
    torch.testing.assert_close(hard_nt_xent(SECOND, FIRST, temperature=0.3), losses.roll(5))
    shuffled = hard_nt_xent(FIRST[order], SECOND[order], temperature=0.3)
    torch.testing.assert_close(shuffled, losses.view(2, 5)[:, order].reshape(-1))
    assert (hard_nt_xent(FIRST, SECOND[order], temperature=0.3) - losses).abs().max() > 1e-2


@pytest.mark.parametrize("temperature", [0.005, 0.1, 0.5])
def test_low_precision_equals_float64(temperature: float) -> None:
    first = 30 * rows(6, 16, seed=1)
    for second in (first + 10 * rows(6, 16, seed=2), 30 * rows(6, 16, seed=2)):
        assert_same_in_low_precision(
            lambda *views: hard_nt_xent(*views, temperature=temperature), first, second, close=5e-4
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hardest_negatives(FIRST, SECOND[:, :2], k=1), "hardest_negatives: candidate must be of width 5"),
        (lambda: hardest_negatives(FIRST, SECOND, k=0), "k must be at least 1, got 0"),
        (
            lambda: hardest_negatives(FIRST, SECOND, k=1, anchor_id=torch.arange(5)),
            "hardest_negatives: candidate_id must be given with the other ids",
        ),
        (
            lambda: hardest_negatives(
                FIRST, SECOND, k=1, anchor_id=torch.arange(5), candidate_id=torch.arange(4)
            ),
            r"hardest_negatives: candidate_id must be of shape \(5,\)",
        ),
        (lambda: batch_hard(FIRST, torch.arange(4)), r"batch_hard: label must be of shape \(5,\)"),
        (lambda: hard_nt_xent(FIRST, SECOND[:2], temperature=0.3), "hard_nt_xent: second must be of the shape"),
        (
            lambda: hard_nt_xent(FIRST, SECOND, temperature=0.0),
            "hard_nt_xent: temperature must be finite and > 0",
        ),
        (
            lambda: hard_nt_xent(FIRST, SECOND, temperature=0.3, concentration=-1.0),
            "concentration must be finite and >= 0",
        ),
        (
            lambda: hard_nt_xent(FIRST, SECOND, temperature=0.3, positive_prior=1.0),
            r"hard_nt_xent: positive_prior must be in \[0, 1\), got 1.0",
        ),
    ],
)
def test_wrong_input_is_named(call: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=message):
        call()
