"""Negatives in plain PyTorch: the definition, on any device."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.kernels.hash import below, uniform_bits
from sgl_rec.kernels.sample import DrawWeights
from sgl_rec.types import PairIndex


def sample(
    users: Tensor, width: int, touched: PairIndex, key: int, weights: DrawWeights | None
) -> Int64[Tensor, "B M"]:
    start, end = touched.start[users, None], touched.start[users + 1, None]
    own = _own_mass(end - start, start, touched, weights)
    mass = touched.num_items - own if weights is None else weights.item_before[-1] - own
    assert bool((mass > 0).all()), "a user who has touched every item has no negative"
    row = torch.arange(len(users), device=users.device)[:, None].expand(-1, width)
    which = torch.arange(width, device=users.device).expand(len(users), -1)
    rank = below(uniform_bits(key, row, which), mass)
    place = rank + _own_mass(_touched_before(rank, start, end, touched, weights), start, touched, weights)
    return place if weights is None else torch.searchsorted(weights.item_before, place, right=True) - 1


def _own_mass(count: Tensor, start: Tensor, touched: PairIndex, weights: DrawWeights | None) -> Tensor:
    """The mass of the first ``count`` items of each user's own."""
    if weights is None or len(touched.item) == 0:
        return count
    last = (start + count - 1).clamp_(min=0)
    mass = weights.item_before[touched.item[last] + 1] - weights.free_before[last]
    return mass.masked_fill(count == 0, 0)


def _touched_before(
    rank: Tensor, start: Tensor, end: Tensor, touched: PairIndex, weights: DrawWeights | None
) -> Tensor:
    """How many of the user's items have at most ``rank`` of untouched mass before them."""
    if len(touched.item) == 0:
        return torch.zeros_like(rank)
    low, high = torch.zeros_like(rank), (end - start).expand_as(rank)
    # A row holds at most num_items items, so that this many halvings settle every row.
    for _ in range(touched.num_items.bit_length()):
        middle = (low + high) >> 1
        pair = (start + middle).clamp_(max=len(touched.item) - 1)
        untouched = touched.item[pair] - middle if weights is None else weights.free_before[pair]
        before = (low < high) & (untouched <= rank)
        low = torch.where(before, middle + 1, low)
        high = torch.where(before, high, middle)
    return low
