"""Which rows of a step meet in the terms that tell a partner from others, and what these remember."""

from __future__ import annotations

from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses.pair_terms import (
    ClipTerm,
    HardNtXentTerm,
    MocoTerm,
    NtXentTerm,
    PairStep,
    SimcseTerm,
    SupervisedContrastiveTerm,
)
from tests.losses.pairs import rows
from tests.reference import pair_losses as reference

PARTS = {
    name: rows(4, seed=seed)
    for seed, name in enumerate(("first", "second", "first_target", "second_target", "negative"))
}
LABEL = torch.tensor([2, 7, 2, 9])
STEP = PairStep(**PARTS, label=LABEL)
LISTS = {name: part.tolist() for name, part in PARTS.items()}


def mean(values: list[float]) -> Any:
    return pytest.approx(sum(values) / len(values), rel=1e-9)


def moco_term(**options: Any) -> MocoTerm:
    generator = torch.Generator().manual_seed(0)
    return MocoTerm(queue_size=6, embedding_dim=5, generator=generator, **options).double()


def test_terms_are_means_of_their_rows() -> None:
    first, second = LISTS["first"], LISTS["second"]
    assert NtXentTerm(temperature=0.3)(STEP).item() == mean(reference.nt_xent(first, second, 0.3))
    assert ClipTerm(temperature=0.3).double()(STEP).item() == pytest.approx(
        sum(reference.clip(first, second, 0.3)) / 4, rel=1e-6
    )
    assert ClipTerm(temperature=0.3, learn_temperature=False)(STEP).item() == mean(
        reference.clip(first, second, 0.3)
    )
    hard = HardNtXentTerm(temperature=0.3, concentration=2.0, positive_prior=0.2)
    assert hard(STEP).item() == mean(reference.hard_nt_xent(first, second, 0.3, 2.0, 0.2))
    both = reference.supervised_contrastive(first + second, LABEL.tolist() * 2, 0.3)
    assert SupervisedContrastiveTerm(temperature=0.3)(STEP).item() == mean(both)


def test_simcse_takes_hard_negatives_where_there_are_some() -> None:
    first, second, negative = LISTS["first"], LISTS["second"], LISTS["negative"]
    term = SimcseTerm(temperature=0.3)
    assert term(STEP).item() == mean(reference.simcse(first, second, 0.3, negative))
    assert term(PairStep(STEP.first, STEP.second)).item() == mean(reference.simcse(first, second, 0.3))


def test_moco_asks_the_first_view_for_the_targets_of_the_second() -> None:
    term = moco_term(temperature=0.3)
    queue = term.queue.rows.tolist()
    forward = reference.moco(LISTS["first"], LISTS["second_target"], queue, 0.3)
    assert term(STEP).item() == mean(forward)
    backward = reference.moco(LISTS["second"], LISTS["first_target"], queue, 0.3)
    assert moco_term(temperature=0.3, symmetric=True)(STEP).item() == mean(forward + backward)


def test_moco_lets_keys_in_after_the_step() -> None:
    term = moco_term()
    before = term.queue.rows.clone()
    term(STEP)
    assert torch.equal(term.queue.rows, before)
    term.after_step()
    assert torch.equal(term.queue.rows[:4], PARTS["second_target"])
    assert torch.equal(term.queue.rows[4:], before[4:])
    term(PairStep(STEP.first, STEP.second, second_target=PARTS["negative"]))
    term.after_step()
    newest = torch.cat([PARTS["second_target"], PARTS["negative"]])[-6:]
    assert torch.equal(term.queue.rows.roll(-int(term.queue.position), 0), newest)
    both = moco_term(symmetric=True)
    both(STEP)
    both.after_step()
    assert int(both.queue.position) == 8 % 6


def test_moco_that_is_only_looked_at_lets_nothing_in() -> None:
    term = moco_term().eval()
    before = term.queue.rows.clone()
    term(STEP)
    term.after_step()
    assert torch.equal(term.queue.rows, before)


def test_clip_learns_its_temperature_and_clips_it() -> None:
    term = ClipTerm()
    optimizer = torch.optim.SGD(term.parameters(), lr=1e3)
    view = STEP.first.float()
    term(PairStep(view, view)).backward()
    optimizer.step()
    assert term.learned is not None
    assert 1 / term.learned().item() > 100, "pairs that are right want it colder than is good"
    term.after_step()
    assert 1 / term.learned().item() == pytest.approx(100, rel=1e-5)
    still = ClipTerm(learn_temperature=False)
    still.after_step()
    assert not list(still.parameters())


def test_labels_of_both_views_are_row_numbers_where_there_are_none() -> None:
    embedding, label = STEP.labelled()
    assert torch.equal(embedding, torch.cat([STEP.first, STEP.second]))
    assert label.tolist() == [2, 7, 2, 9, 2, 7, 2, 9]
    assert PairStep(STEP.first, STEP.second).labelled()[1].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"second": rows(3, seed=1)}, "PairStep: second must be of the shape of first"),
        ({"negative": rows(4, 2, seed=1)}, "PairStep: negative must be of the shape of first"),
        ({"second_target": rows(3, seed=1)}, "PairStep: second_target must be of the shape of first"),
        ({"label": LABEL[:2]}, r"PairStep: label must be of shape \(4,\)"),
        ({"first": torch.ones(4, 5, dtype=torch.int64)}, "PairStep: first must be a float matrix"),
    ],
)
def test_a_step_whose_parts_do_not_fit(
    parts: dict[str, Tensor], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=message):
        PairStep(**{**PARTS, "label": LABEL, **parts})


@pytest.mark.parametrize(
    "term", [NtXentTerm, HardNtXentTerm, ClipTerm, SimcseTerm, SupervisedContrastiveTerm, moco_term]
)
@pytest.mark.parametrize("temperature", [0.0, float("nan"), float("inf")])
def test_temperature_out_of_range(term: Any, temperature: float) -> None:
    with pytest.raises(UserError, match="temperature must be finite and > 0"):
        term(temperature=temperature)


def test_other_settings_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match="positive_prior must be in"):
        HardNtXentTerm(positive_prior=1.0)
    with pytest.raises(UserError, match="start must be at least 1 / largest_scale"):
        ClipTerm(temperature=0.001)
    with pytest.raises(UserError, match="Queue: size must be at least 1"):
        MocoTerm(queue_size=0, generator=torch.Generator())
    with pytest.raises(UserError, match="moco: queue must be of width 5, got 128"):
        MocoTerm(queue_size=3, generator=torch.Generator()).double()(STEP)


def test_precision_reaches_the_kernel() -> None:
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(60, 32, generator=generator)
    step = PairStep(first, first + torch.randn(60, 32, generator=generator), label=torch.arange(60) // 3)

    def gradient(term: Any, precision: str) -> Tensor:
        leaf = step.first.clone().requires_grad_()
        value = term(precision=precision)(PairStep(leaf, step.second, label=step.label))
        return torch.autograd.grad(value, leaf)[0]

    for term in (NtXentTerm, HardNtXentTerm, ClipTerm, SimcseTerm, SupervisedContrastiveTerm):
        exact, low = gradient(term, "float32"), gradient(term, "bfloat16")
        assert 0 < (low - exact).norm() < 2e-2 * exact.norm(), term
