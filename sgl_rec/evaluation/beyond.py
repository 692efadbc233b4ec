"""What all lists together recommend: functions of how often each item is listed."""

from __future__ import annotations

import torch
from jaxtyping import Int, Int64
from torch import Tensor


def count_items(items: Int64[Tensor, "B K"], *, num_items: int) -> Int64[Tensor, " I"]:
    """How often each item stands in the lists; empty places (item -1) count nowhere.

    Example:
        >>> count_items(torch.tensor([[2, 0], [2, -1]]), num_items=3).tolist()
        [1, 0, 2]
    """
    return torch.bincount(items[items >= 0], minlength=num_items)


def coverage(count: Int64[Tensor, " I"]) -> float:
    r"""Share of the catalogue that stands in any list, in [0, 1].

    Example:
        >>> coverage(torch.tensor([1, 0, 2, 0]))
        0.5
    """
    return float((count > 0).to(torch.float64).mean()) if len(count) else 0.0


def mean_popularity(count: Int64[Tensor, " I"], popularity: Int[Tensor, " I"]) -> float:
    r"""Mean training degree of what is recommended, :math:`\sum_i c_i p_i / \sum_i c_i`; 0 of no lists.

    Example:
        >>> mean_popularity(torch.tensor([1, 0, 3]), torch.tensor([10, 50, 2]))
        4.0
    """
    total = int(count.sum())
    return int((count * popularity).sum()) / total if total else 0.0


def gini(count: Int64[Tensor, " I"]) -> float:
    r"""Inequality of the recommendation counts over **all** items: 0 all alike, (I - 1) / I all on one item.

    .. math:: G = \frac{\sum_{i=1}^{I} (2 i - I - 1)\, c_{(i)}}{I \sum_i c_i},\quad c_{(1)} \le \dots \le c_{(I)}

    Example:
        >>> gini(torch.tensor([2, 2, 2])), gini(torch.tensor([0, 0, 0, 8]))
        (0.0, 0.75)
    """
    num_items, total = len(count), int(count.sum())
    if total == 0:
        return 0.0
    weight = 2 * torch.arange(1, num_items + 1, device=count.device) - num_items - 1
    return int((weight * count.sort().values).sum()) / (num_items * total)
