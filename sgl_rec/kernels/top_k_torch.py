"""Top-K in plain PyTorch: ``topk``, mended where scores are tied at the cut."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

MEND_PARTS = 16
"""Tied rows are mended a 16th of the block at a time: at 12 bytes a score, less than the scores themselves."""


def select(scores: Float[Tensor, "B I"], *, k: int) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]] | None:
    """The lists of at least one row and one item, or None where a score is nan."""
    num_rows, num_items = scores.shape
    items = torch.full((num_rows, k), -1, dtype=torch.int64, device=scores.device)
    best = torch.full((num_rows, k), -torch.inf, dtype=scores.dtype, device=scores.device)
    taken = min(k, num_items)
    chosen = _choose(scores, taken)
    if chosen is None:
        return None
    value = scores.gather(1, chosen)
    value, order = value.sort(dim=1, descending=True, stable=True)  # stable: equal scores stay ascending
    best[:, :taken] = value
    items[:, :taken] = chosen.gather(1, order).masked_fill_(value == -torch.inf, -1)
    return items, best


def _choose(scores: Float[Tensor, "B I"], k: int) -> Int64[Tensor, "B K"] | None:
    """The items of each row's list, ascending. One more than k is looked for, to see a tie at the cut."""
    value, index = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    if value[:, 0].isnan().any():  # topk ranks nan above everything, so the first column shows it
        return None
    chosen = index[:, :k]
    if value.shape[1] > k:
        # A tie at -inf needs no mending: those places become -1 whichever items stand there.
        cut, runner_up = value[:, k - 1], value[:, k]
        tied = ((cut == runner_up) & (cut > -torch.inf)).nonzero().squeeze(1)
        chosen = chosen.contiguous()
        for rows in torch.split(tied, max(1, len(scores) // MEND_PARTS)):
            chosen[rows] = _lowest_of_ties(scores[rows], cut[rows, None], k)
    return chosen.sort(dim=1).values


def _lowest_of_ties(scores: Float[Tensor, "T I"], cut: Float[Tensor, "T 1"], k: int) -> Int64[Tensor, "T K"]:
    """All items above the cut, and of those at it the first ones, k in each row."""
    above = scores > cut
    equal = scores == cut
    room = k - above.sum(dim=1, keepdim=True, dtype=torch.int32)
    keep = above | (equal & (equal.cumsum(dim=1, dtype=torch.int32) <= room))
    return keep.nonzero()[:, 1].view(len(scores), k)
