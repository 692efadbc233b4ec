"""Cold items apart from the others, against lists made by hand and a random order drawn many times."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sgl_rec.evaluation.cold import evaluate_cold, of_items, random_order
from sgl_rec.types import Embeddings, PairIndex
from tests.reference import metrics as reference

COLD = torch.tensor([False, True, False, True, False, True])


def index(*items: tuple[int, ...]) -> PairIndex:
    start = np.cumsum([0, *map(len, items)])
    return PairIndex(torch.from_numpy(start), torch.tensor([item for row in items for item in row]).long(), 6)


SEEN, RELEVANT = index((0,), (4, 5), ()), index((1, 2), (0,), (3, 5))


def test_by_hand() -> None:
    """Both users rank items 0 to 5 downwards from 5; the third upwards."""
    scorer = Embeddings(torch.tensor([[1.0], [1.0], [-1.0]]), torch.arange(6.0)[:, None])
    found = evaluate_cold(scorer, cold=COLD, relevant=RELEVANT, seen=SEEN, ks=(1, 2))
    among_cold = found["cold_among_cold"].measured
    assert among_cold.users.tolist() == [0, 2]
    assert among_cold.per_user["recall@2"].tolist() == [0, 0.5], "5 3 | 1 3"
    assert among_cold.per_user["recall@1"].tolist() == [0, 0]
    among_all = found["cold_among_all"].measured
    assert among_all.per_user["recall@2"].tolist() == [0, 0], "5 4 | 0 1"
    warm = found["warm_among_all"].measured
    assert warm.users.tolist() == [0, 1]
    assert warm.per_user["recall@2"].tolist() == [0, 0], "5 4 | 3 2"


def test_each_figure_is_of_its_own_items() -> None:
    """One user, who ranks 5 4 3 2 1 0 and has seen nothing; 5 and 1 of the cold, 2 of the warm are held out."""
    scorer = Embeddings(torch.ones(1, 1), torch.arange(6.0)[:, None])
    relevant, nothing = PairIndex(torch.tensor([0, 3]), torch.tensor([1, 2, 5]), 6), torch.tensor([0, 0])
    seen = PairIndex(nothing, torch.tensor([], dtype=torch.int64), 6)
    found = evaluate_cold(scorer, cold=COLD, relevant=relevant, seen=seen, ks=(4,))
    metrics = {name: figures.measured.metrics for name, figures in found.items()}
    best = 1 + 1 / math.log2(3)
    assert metrics["cold_among_cold"]["recall@4"] == 1, "5 3 1"
    assert metrics["cold_among_cold"]["ndcg@4"] == pytest.approx((1 + 1 / 2) / best)
    assert metrics["cold_among_all"]["recall@4"] == 0.5, "5 of 5 4 3 2"
    assert metrics["cold_among_all"]["ndcg@4"] == pytest.approx(1 / best)
    assert metrics["warm_among_all"]["recall@4"] == 1, "2 of 5 4 3 2"
    assert metrics["warm_among_all"]["ndcg@4"] == pytest.approx(1 / math.log2(5))


def test_what_nobody_has_is_left_out() -> None:
    scorer = Embeddings(torch.ones(3, 1), torch.ones(6, 1))
    relevant = index((0,), (), ())
    assert set(evaluate_cold(scorer, cold=COLD, relevant=relevant, seen=SEEN, ks=(1,))) == {"warm_among_all"}


@pytest.mark.parametrize("k", [1, 2, 9])
@pytest.mark.parametrize("allowed", [COLD, torch.ones(6, dtype=torch.bool)])
def test_a_random_order_is_what_shuffles_give(k: int, allowed: torch.Tensor) -> None:
    relevant = of_items(RELEVANT, allowed)
    expected = random_order(relevant, seen=SEEN, allowed=allowed, ks=[k])
    draw = np.random.default_rng(0)
    drawn: dict[str, list[float]] = {"recall": [], "ndcg": []}
    for user in range(3):
        asked = set(relevant.item[relevant.start[user] : relevant.start[user + 1]].tolist())
        seen = set(SEEN.item[SEEN.start[user] : SEEN.start[user + 1]].tolist())
        left = [item for item in range(6) if allowed[item] and item not in seen]
        if asked:
            lists = [draw.permutation(left)[:k].tolist() for _ in range(3000)]
            for name in drawn:
                measure = getattr(reference, name)
                drawn[name].append(float(np.mean([measure(one, asked, k) for one in lists])))
    for name, values in drawn.items():
        assert math.isclose(expected[f"{name}@{k}"], float(np.mean(values)), abs_tol=0.02), name
