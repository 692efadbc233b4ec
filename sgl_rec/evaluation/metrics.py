r"""Ranking metrics of one cut-off, one value per user, from which places of a list were hits.

With :math:`h_r \in \{0, 1\}` whether place :math:`r = 1..K` of a user's list holds one of the user's
:math:`n` relevant items. Every function takes ``hits`` of shape (B, K) and ``num_relevant`` of shape (B,) and
returns float64 of shape (B,). A user without relevant items gets 0 everywhere; ``evaluate`` leaves such users
out. Definitions are those of trec_eval, so ``ir-measures`` and ``ranx`` give the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Bool, Float64, Int
from torch import Tensor


def recall(hits: Bool[Tensor, "B K"], num_relevant: Int[Tensor, " B"]) -> Float64[Tensor, " B"]:
    r"""Share of the relevant items that are listed, :math:`\frac{1}{n} \sum_r h_r`.

    Example:
        >>> recall(torch.tensor([[True, False]]), torch.tensor([4])).tolist()
        [0.25]
    """
    return hits.sum(dim=1, dtype=torch.float64) / num_relevant.clamp(min=1)


def ndcg(hits: Bool[Tensor, "B K"], num_relevant: Int[Tensor, " B"]) -> Float64[Tensor, " B"]:
    r"""Discounted gain over that of the best possible list of K places.

    .. math:: \sum_{r=1}^{K} \frac{h_r}{\log_2(r + 1)} \Big/ \sum_{r=1}^{\min(K, n)} \frac{1}{\log_2(r + 1)}

    Example:
        >>> ndcg(torch.tensor([[True, False]]), torch.tensor([1])).tolist()
        [1.0]

    Reference: Järvelin and Kekäläinen 2002, with the base-2 discount at every place and binary gains.
    """
    discount = discounts(hits.shape[1]).to(hits.device)
    ideal = discount.cumsum(0)[num_relevant.clamp(min=1, max=hits.shape[1]) - 1]
    return (hits * discount).sum(dim=1) / ideal


def discounts(number: int) -> Float64[Tensor, " K"]:
    """What a hit at each of the first places counts: 1 / log2(place + 1).

    Example:
        >>> discounts(3).tolist()
        [1.0, 0.6309297535714575, 0.5]
    """
    return 1 / torch.log2(torch.arange(2, number + 2, dtype=torch.float64))


def precision(hits: Bool[Tensor, "B K"], num_relevant: Int[Tensor, " B"]) -> Float64[Tensor, " B"]:
    r"""Share of the K places that are hits, :math:`\frac{1}{K} \sum_r h_r`, also where the list is shorter.

    Example:
        >>> precision(torch.tensor([[True, False, False, False]]), torch.tensor([1])).tolist()
        [0.25]
    """
    return hits.sum(dim=1, dtype=torch.float64) / hits.shape[1]


def hit_rate(hits: Bool[Tensor, "B K"], num_relevant: Int[Tensor, " B"]) -> Float64[Tensor, " B"]:
    r"""1 where any place is a hit, :math:`\max_r h_r`.

    Example:
        >>> hit_rate(torch.tensor([[False, True], [False, False]]), torch.tensor([1, 1])).tolist()
        [1.0, 0.0]
    """
    return hits.any(dim=1).to(torch.float64)


def mrr(hits: Bool[Tensor, "B K"], num_relevant: Int[Tensor, " B"]) -> Float64[Tensor, " B"]:
    r"""One over the place of the first hit, :math:`\max_r h_r / r`; 0 without a hit.

    Example:
        >>> mrr(torch.tensor([[False, True, True]]), torch.tensor([2])).tolist()
        [0.5]
    """
    place = torch.arange(1, hits.shape[1] + 1, dtype=torch.float64, device=hits.device)
    return (hits / place).amax(dim=1)


def average_precision(hits: Bool[Tensor, "B K"], num_relevant: Int[Tensor, " B"]) -> Float64[Tensor, " B"]:
    r"""Mean over the relevant items of the precision at their place, 0 for those beyond K.

    .. math:: \frac{1}{n} \sum_{r=1}^{K} h_r \cdot \frac{1}{r} \sum_{q \le r} h_q

    The divisor is n and not min(K, n), as in trec_eval's ``map_cut``.

    Example:
        >>> average_precision(torch.tensor([[True, False, False, True]]), torch.tensor([2])).tolist()
        [0.75]
    """
    place = torch.arange(1, hits.shape[1] + 1, dtype=torch.float64, device=hits.device)
    precision_at = hits.cumsum(dim=1) / place
    return (hits * precision_at).sum(dim=1) / num_relevant.clamp(min=1)


Metric = Callable[[Tensor, Tensor], Tensor]
"""(hits, num_relevant) -> one value per user."""

METRICS: Mapping[str, Metric] = {
    "recall": recall,
    "ndcg": ndcg,
    "precision": precision,
    "hit_rate": hit_rate,
    "mrr": mrr,
    "map": average_precision,
}
"""Every per-user metric by the name it has in ``metrics.json``: a further one is one function and one line."""
