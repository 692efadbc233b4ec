"""The K best items of each row of scores: exact, descending, ties to the lower item index."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.backend import choose

MEND_PARTS = 16
"""Tied rows are mended a 16th of the block at a time: at 12 bytes a score, less than the scores themselves."""


@torch.no_grad()
def top_k(scores: Float[Tensor, "B I"], k: int) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
    r"""The k highest scores of each row, descending; of equal scores the lower item index comes first.

    An item that scores -inf is no candidate: where a row has fewer than k candidates (or the catalogue fewer
    than k items) the list ends in item -1 with score -inf. +inf is an ordinary, highest score.

    Args:
        scores: any floating dtype; not changed.
        k: length of the lists, at least 1.

    Returns: (items, scores), both of shape (B, k).

    Raises: UserError for a k below 1, and for scores that are not a number (the model has diverged).

    Example:
        >>> items, best = top_k(torch.tensor([[1.0, 3.0, 3.0, float("-inf")]]), 4)
        >>> items.tolist(), best.tolist()
        ([[1, 2, 0, -1]], [[3.0, 3.0, 1.0, -inf]])
    """
    if k < 1:
        raise must_be("top_k", "k", "at least 1", k)
    num_rows, num_items = scores.shape
    items = torch.full((num_rows, k), -1, dtype=torch.int64, device=scores.device)
    best = torch.full((num_rows, k), -torch.inf, dtype=scores.dtype, device=scores.device)
    taken = min(k, num_items)
    if num_rows == 0 or taken == 0:
        return items, best
    chosen = _choose(scores, taken)
    value = scores.gather(1, chosen)
    value, order = value.sort(dim=1, descending=True, stable=True)  # stable: equal scores stay ascending
    best[:, :taken] = value
    items[:, :taken] = chosen.gather(1, order).masked_fill_(value == -torch.inf, -1)
    return items, best


def _choose(scores: Float[Tensor, "B I"], k: int) -> Int64[Tensor, "B K"]:
    """The items of each row's list, ascending. One more than k is looked for, to see a tie at the cut."""
    value, index = scores.topk(min(k + 1, scores.shape[1]), dim=1)
    if value[:, 0].isnan().any():  # topk ranks nan above everything, so the first column shows it
        raise must_be("top_k", "scores", "numbers", "nan", "the model has diverged: lower its learning rate")
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


@torch.no_grad()
def top_k_embeddings(
    user_rows: Float[Tensor, "B D"],
    item: Float[Tensor, "I D"],
    *,
    k: int,
    seen_row: Int64[Tensor, " P"],
    seen_item: Int64[Tensor, " P"],
    allowed: Bool[Tensor, " I"] | None = None,
    buffer: Float[Tensor, "R I"] | None = None,
    backend: str = "auto",
) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
    r"""The k best items of each row by dot product, of those that are allowed and not seen.

    .. math:: \operatorname{top}_k \{ \langle u_b, v_i \rangle : i \in A,\ (b, i) \notin S \}

    Args:
        seen_row, seen_item: pairs (position in ``user_rows``, item) to leave out; repeats are harmless.
        allowed: the items that may be listed; None stands for all. These three may be on any device.
        buffer: R >= B rows that the scores are written to. A caller with many blocks hands in the same one
            each time: fresh pages cost more than the product. Overwritten.
        backend: "auto" or a name of ``kernels.backend``.

    Returns: (items, scores), as ``top_k`` does.

    Raises: UserError for an unknown backend, a k below 1, or scores that are not numbers.

    Example:
        >>> none = torch.empty(0, dtype=torch.int64)
        >>> user, item = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
        >>> top_k_embeddings(user, item, k=2, seen_row=none, seen_item=none)[0].tolist()
        [[2, 1]]
    """
    choose(backend, item.device)
    if buffer is None:
        buffer = torch.empty(len(user_rows), len(item), dtype=item.dtype, device=item.device)
    scores = buffer[: len(user_rows)]
    torch.mm(user_rows, item.T, out=scores)
    return top_k_masked(scores, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed)


@torch.no_grad()
def top_k_masked(
    scores: Float[Tensor, "B I"],
    *,
    k: int,
    seen_row: Int64[Tensor, " P"],
    seen_item: Int64[Tensor, " P"],
    allowed: Bool[Tensor, " I"] | None = None,
) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
    """``top_k`` of the scores that are allowed and not seen; the others become -inf **in place**.

    Example:
        >>> scores = torch.tensor([[5.0, 4.0, 3.0]])
        >>> top_k_masked(scores, k=2, seen_row=torch.tensor([0]), seen_item=torch.tensor([0]))[0].tolist()
        [[1, 2]]
    """
    scores[seen_row.to(scores.device), seen_item.to(scores.device)] = -torch.inf
    if allowed is not None:
        scores.masked_fill_(~allowed.to(scores.device), -torch.inf)
    return top_k(scores, k)
