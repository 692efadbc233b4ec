"""Metrics by hand, against plain loops, and against ir-measures and ranx."""

from __future__ import annotations

import math

import ir_measures as ir
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sgl_rec.evaluation.metrics import METRICS
from tests.reference import metrics as reference
from tests.reference.ranx_scores import ranx_scores

HITS = torch.tensor([[True, False, True, False], [False, False, False, False], [False, True, True, True]])
NUM_RELEVANT = torch.tensor([3, 2, 7])
IDEAL_3 = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
IDEAL_4 = IDEAL_3 + 1 / math.log2(5)

BY_HAND = {
    "recall": [2 / 3, 0 / 2, 3 / 7],
    "precision": [2 / 4, 0 / 4, 3 / 4],
    "hit_rate": [1, 0, 1],
    "mrr": [1 / 1, 0, 1 / 2],
    "ndcg": [(1 / math.log2(2) + 1 / math.log2(4)) / IDEAL_3, 0,
             (1 / math.log2(3) + 1 / math.log2(4) + 1 / math.log2(5)) / IDEAL_4],
    "map": [1 / 3 * (1 / 1 + 2 / 3), 0, 1 / 7 * (1 / 2 + 2 / 3 + 3 / 4)],
}  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_by_hand(name: str) -> None:
    value = METRICS[name](HITS, NUM_RELEVANT)
    assert value.dtype == torch.float64
    assert value.tolist() == pytest.approx(BY_HAND[name], abs=1e-15)


@pytest.mark.parametrize("name", METRICS)
def test_a_user_without_relevant_items_is_zero_and_never_nan(name: str) -> None:
    assert METRICS[name](torch.zeros(1, 3, dtype=torch.bool), torch.tensor([0])).tolist() == [0.0]


@pytest.mark.parametrize("name", [name for name in METRICS if name not in ("precision", "map", "recall")])
def test_the_best_list_is_one_where_relevant_items_exceed_the_places(name: str) -> None:
    assert METRICS[name](torch.ones(1, 5, dtype=torch.bool), torch.tensor([9])).tolist() == [1.0]


def random_lists(seed: int, num_users: int = 40, num_items: int = 60, k: int = 20):  # type: ignore[no-untyped-def]
    """Ranked item lists and relevant sets, with users whose list is short or has no hit."""
    generator = np.random.default_rng(seed)
    ranked = [generator.permutation(num_items)[: generator.integers(1, k + 1)].tolist() for _ in range(num_users)]
    relevant = [
        set(generator.permutation(num_items)[: generator.integers(1, 30)].tolist()) for _ in range(num_users)
    ]
    return ranked, relevant


def as_hits(ranked: list[list[int]], relevant: list[set[int]], k: int) -> torch.Tensor:
    rows = [[item in good for item in row[:k]] for row, good in zip(ranked, relevant, strict=True)]
    return torch.tensor([row + [False] * (k - len(row)) for row in rows])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 25))
def test_equals_the_loops(seed: int, k: int) -> None:
    ranked, relevant = random_lists(seed, num_users=8)
    hits, size = as_hits(ranked, relevant, k), torch.tensor([len(good) for good in relevant])
    for name, metric in METRICS.items():
        expected = [reference.METRICS[name](*pair, k) for pair in zip(ranked, relevant, strict=True)]
        assert metric(hits, size).tolist() == pytest.approx(expected, abs=1e-12), name


def run_and_judgements(ranked: list[list[int]], relevant: list[set[int]]):  # type: ignore[no-untyped-def]
    """The form other tools read: text ids, and -rank as the score because they sort again."""
    run = {f"u{u}": {f"i{i}": -float(r) for r, i in enumerate(row, 1)} for u, row in enumerate(ranked)}
    return run, {f"u{u}": {f"i{i}": 1 for i in good} for u, good in enumerate(relevant)}


def test_agrees_with_ir_measures() -> None:
    ranked, relevant = random_lists(5)
    run, judged = run_and_judgements(ranked, relevant)
    size = torch.tensor([len(good) for good in relevant])
    for k in (5, 20):
        same = {"recall": ir.R @ k, "ndcg": ir.nDCG @ k, "precision": ir.P @ k, "hit_rate": ir.Success @ k,
                "mrr": ir.RR @ k, "map": ir.AP @ k}  # fmt: skip
        theirs = ir.calc_aggregate(list(same.values()), judged, run)
        for name, measure in same.items():
            ours = float(METRICS[name](as_hits(ranked, relevant, k), size).mean())
            assert ours == pytest.approx(theirs[measure], abs=1e-6), measure


def test_agrees_with_ranx() -> None:
    ranked, relevant = random_lists(6)
    run, judged = run_and_judgements(ranked, relevant)
    size, k = torch.tensor([len(good) for good in relevant]), 10
    theirs = ranx_scores(judged, run, [f"{name}@{k}" for name in METRICS])
    for name, metric in METRICS.items():
        ours = float(metric(as_hits(ranked, relevant, k), size).mean())
        assert ours == pytest.approx(theirs[f"{name}@{k}"], abs=1e-6), name
