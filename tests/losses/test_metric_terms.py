"""Which rows of a step meet in the losses of metric learning."""

from __future__ import annotations

import math
from typing import Any

import jaxtyping
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.losses.metric_terms import LogisticTerm, MarginContrastiveTerm, NPairTerm, TripletTerm
from sgl_rec.losses.pair_terms import PairStep
from tests.losses.pairs import rows
from tests.reference import pair_losses as reference

FIRST, SECOND, NEGATIVE = (rows(5, seed=seed) for seed in (1, 2, 3))
LABEL = torch.tensor([2, 7, 2, 9, 7])
STEP = PairStep(FIRST, SECOND, label=LABEL, negative=NEGATIVE)
BARE = PairStep(FIRST, SECOND)
BOTH = [*FIRST.tolist(), *SECOND.tolist()]
BY_LABEL, BY_ROW = LABEL.tolist() * 2, [*range(5), *range(5)]


def mean(values: list[float]) -> Any:
    return pytest.approx(sum(values) / len(values), rel=1e-9)


def batch_hard_triplets(label: list[int], margin: float) -> list[float]:
    positive, negative = reference.batch_hard(BOTH, label)
    triples = [(i, p, n) for i, (p, n) in enumerate(zip(positive, negative, strict=True)) if min(p, n) >= 0]
    return reference.triplet(*([BOTH[row] for row in part] for part in zip(*triples, strict=True)), margin)


def test_all_pairs_of_both_views_by_label_or_by_row() -> None:
    for step, label in ((STEP, BY_LABEL), (BARE, BY_ROW)):
        value = MarginContrastiveTerm(margin=3.0)(step).item()
        assert value == mean(reference.margin_contrastive(BOTH, label, 3.0))
        assert LogisticTerm(temperature=0.3)(step).item() == mean(reference.logistic(BOTH, label, 0.3))


def test_triplets_that_are_hard_or_given() -> None:
    for step, label in ((STEP, BY_LABEL), (BARE, BY_ROW)):
        assert TripletTerm(margin=2.0)(step).item() == mean(batch_hard_triplets(label, 2.0))
    given = reference.triplet(FIRST.tolist(), SECOND.tolist(), NEGATIVE.tolist(), 2.0)
    assert TripletTerm(margin=2.0, negatives="given")(STEP).item() == mean(given)
    with pytest.raises(UserError, match="triplet: negative must be given, got None"):
        TripletTerm(negatives="given")(BARE)


def test_a_batch_of_one_label_has_no_triplets() -> None:
    first = FIRST.clone().requires_grad_()
    value = TripletTerm()(PairStep(first, SECOND, label=torch.zeros(5, dtype=torch.int64)))
    value.backward()
    assert value.item() == 0
    assert first.grad is not None
    assert not first.grad.any()


def test_n_pair_is_the_mean_over_the_first_view() -> None:
    assert NPairTerm()(STEP).item() == mean(reference.n_pair(FIRST.tolist(), SECOND.tolist()))


def test_settings_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    for value in (0.0, math.nan, math.inf):
        with pytest.raises(UserError, match="triplet: margin must be finite and > 0"):
            TripletTerm(margin=value)
        with pytest.raises(UserError, match="margin_contrastive: margin must be finite and > 0"):
            MarginContrastiveTerm(margin=value)
        with pytest.raises(UserError, match="logistic: temperature must be finite and > 0"):
            LogisticTerm(temperature=value)
    with pytest.raises(UserError, match="triplet: negatives must be one of batch-hard, given, got 'easy'"):
        TripletTerm(negatives="easy")  # type: ignore[arg-type]
