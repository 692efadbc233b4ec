"""Negatives for a batch: items a user has not touched, drawn exactly and without a loop over users."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.kernels.backend import choose
from sgl_rec.kernels.hash import below, uniform_bits
from sgl_rec.types import PairIndex


def sample_negatives(
    users: Int64[Tensor, " B"], *, touched: PairIndex, key: int, num_items: int, backend: str = "auto"
) -> Int64[Tensor, " B"]:
    r"""One item for each row, uniform over the items its user has not touched.

    With the user's items :math:`a_0 < a_1 < \dots`, the r-th untouched item is

    .. math:: r + |\{j : a_j - j \le r\}|

    where :math:`a_j - j` counts the untouched items before :math:`a_j` and so never falls: the count is a
    binary search in the user's row. One uniform rank r gives one negative; nothing is ever rejected.

    Args:
        users: users that have touched fewer than ``num_items`` items (the caller leaves the others out).
        touched: what each user has touched; for training, the training interactions alone.
        key: a fresh key for each call; row b draws from counter b.
        num_items: I.

    Example:
        >>> pairs = PairIndex(torch.tensor([0, 2]), torch.tensor([0, 2]), 4)
        >>> sorted(set(sample_negatives(torch.zeros(50).long(), touched=pairs, key=3, num_items=4).tolist()))
        [1, 3]

    Reference: Rendle et al., "BPR" (UAI 2009), whose triples are uniform in the same way.
    """
    choose(backend, users.device)
    assert num_items == touched.num_items
    start = touched.start[users]
    degree = touched.start[users + 1] - start
    assert bool((degree < num_items).all()), "a user who has touched every item has no negative"
    rank = below(uniform_bits(key, torch.arange(len(users), device=users.device)), num_items - degree)
    if len(touched.item) == 0:
        return rank
    low, high = torch.zeros_like(degree), degree
    # A row holds fewer than num_items items, so that this many halvings settle every row.
    for _ in range(int(num_items).bit_length()):
        middle = (low + high) >> 1
        item = touched.item[(start + middle).clamp_(max=len(touched.item) - 1)]
        before = (low < high) & (item - middle <= rank)
        low = torch.where(before, middle + 1, low)
        high = torch.where(before, high, middle)
    return rank + low
