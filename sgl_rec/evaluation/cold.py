"""How well items are placed that nobody has touched, apart from the others, beside a random order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool
from torch import Tensor

from sgl_rec.evaluation.evaluate import Evaluation, evaluate, measurable
from sgl_rec.evaluation.metrics import discounts
from sgl_rec.ranking import MEMORY_BUDGET
from sgl_rec.types import PairIndex, Scorer


class ColdFigures(NamedTuple):
    """``measured`` lists, and ``random``: ``"recall@<K>"`` and ``"ndcg@<K>"`` expected of a random order."""

    measured: Evaluation
    random: Mapping[str, float]


def evaluate_cold(
    scorer: Scorer,
    *,
    cold: Bool[Tensor, " I"],
    relevant: PairIndex,
    seen: PairIndex,
    ks: Sequence[int] = (10, 20),
    memory_budget: int = MEMORY_BUDGET,
) -> dict[str, ColdFigures]:
    """Lists of cold items alone and of all items, measured by the cold items held out, or by the warm ones.

    Args:
        cold: items without an interaction that the scorer was trained on.
        relevant, seen, ks, memory_budget: see ``evaluate``.

    Returns: ``cold_among_cold``, ``cold_among_all`` and ``warm_among_all``, each over the users who have such
        items held out; without what nobody has.

    Raises: UserError as ``evaluate``.

    Example:
        >>> from sgl_rec.types import Embeddings
        >>> taste = Embeddings(user=torch.tensor([[1.0]]), item=torch.tensor([[1.0], [3.0], [2.0]]))
        >>> seen = PairIndex(torch.tensor([0, 0]), torch.tensor([]).long(), 3)
        >>> relevant = PairIndex(torch.tensor([0, 2]), torch.tensor([0, 2]), 3)
        >>> cold = torch.tensor([True, True, False])
        >>> found = evaluate_cold(taste, cold=cold, relevant=relevant, seen=seen, ks=[2])
        >>> {name: figures.measured.metrics["recall@2"] for name, figures in found.items()}
        {'cold_among_cold': 1.0, 'cold_among_all': 0.0, 'warm_among_all': 1.0}
    """
    every = torch.ones_like(cold)
    found = {}
    for name, asked, among in (
        ("cold_among_cold", cold, cold),
        ("cold_among_all", cold, every),
        ("warm_among_all", ~cold, every),
    ):
        pairs = of_items(relevant, asked)
        if len(pairs.item):
            measured = evaluate(
                scorer, relevant=pairs, seen=seen, allowed=among, ks=ks, memory_budget=memory_budget
            )
            found[name] = ColdFigures(measured, random_order(pairs, seen=seen, allowed=among, ks=ks))
    return found


def of_items(pairs: PairIndex, items: Bool[Tensor, " I"]) -> PairIndex:
    """The pairs with these items alone.

    Example:
        >>> pairs = PairIndex(torch.tensor([0, 2, 3]), torch.tensor([0, 2, 2]), 3)
        >>> some = of_items(pairs, torch.tensor([True, True, False]))
        >>> some.start.tolist(), some.item.tolist()
        ([0, 1, 1], [0])
    """
    kept = items[pairs.item]
    number = torch.cat([torch.zeros(1, dtype=torch.int64), kept.cumsum(0)])
    return PairIndex(number[pairs.start], pairs.item[kept], pairs.num_items)


def random_order(
    relevant: PairIndex, *, seen: PairIndex, allowed: Bool[Tensor, " I"], ks: Sequence[int]
) -> dict[str, float]:
    r"""Recall and NDCG that a random order of the allowed, unseen items is expected to have.

    .. math:: E[\text{recall}] = \frac{\min(K, n)}{n}, \qquad
        E[\text{NDCG}] = \frac{r}{n} \sum_{j=1}^{\min(K, n)} \frac{1}{\log_2(j + 1)} \Big/
        \sum_{j=1}^{\min(K, r)} \frac{1}{\log_2(j + 1)}

    for a user with n such items, r of them relevant and none of these seen.

    Example:
        >>> relevant = PairIndex(torch.tensor([0, 1]), torch.tensor([2]), 4)
        >>> seen = PairIndex(torch.tensor([0, 1]), torch.tensor([0]), 4)
        >>> allowed = torch.tensor([True, False, True, True])
        >>> random_order(relevant, seen=seen, allowed=allowed, ks=[1])["recall@1"]
        0.5
    """
    users = measurable(relevant)
    among = allowed.sum() - of_items(seen, allowed).degree()[users]
    asked = relevant.degree()[users]
    figures = {}
    for k in ks:
        places = among.clamp(max=k)
        figures[f"recall@{k}"] = float((places.double() / among).mean())
        best = discounts(k).cumsum(0)
        gain = asked / among.double() * best[places - 1] / best[asked.clamp(max=k) - 1]
        figures[f"ndcg@{k}"] = float(gain.mean())
    return figures
