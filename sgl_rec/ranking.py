"""A scorer and filters in, blocks of ranked lists out: what evaluation and export share."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.top_k import MEND_PARTS, top_k_embeddings, top_k_masked
from sgl_rec.types import Embeddings, PairIndex, RankedLists, Scorer

MEMORY_BUDGET = 512 * 10**6
"""Bytes that ranking may hold at once where nothing else is said."""

_CACHED_BYTES = 8 * 2**20
"""On the CPU a block of scores beyond this leaves the cache between its product and its selection."""

_BYTES_PER_PLACE = 80
"""What selection holds for each place of a list: values and indices of topk, of two sorts, and the result."""

_BYTES_PER_SEEN = 48
"""What masking holds for each seen pair: row, offset, item, and the temporaries between them."""

_BYTES_PER_MENDED = 12
"""What selection holds for each score of the rows it mends together: one at least, or a part of the block."""

_UNITS = {"b": 1} | {
    f"{letter}{unit}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for unit, base in (("b", 1000), ("ib", 1024))
}


def parse_memory(text: str) -> int:
    """Bytes from a text: kB, MB, GB, TB are powers of 1000, KiB, MiB, GiB, TiB powers of 1024.

    Raises: UserError for any other text, and for less than one byte.

    Example:
        >>> parse_memory("512MB"), parse_memory("1.5 GiB")
        (512000000, 1610612736)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip().lower(), flags=re.ASCII)
    if match and match[2] in _UNITS:
        size = int(float(match[1]) * _UNITS[match[2]])
        if size >= 1:
            return size
    raise must_be(
        "memory budget", "size", "a number with a unit", repr(text), "write for example 512MB, 2GB or 512MiB"
    )


def rank(
    scorer: Scorer,
    *,
    users: Int[Tensor, " B"] | None = None,
    k: int,
    seen: PairIndex | None = None,
    allowed: Bool[Tensor, " I"] | None = None,
    memory_budget: int = MEMORY_BUDGET,
) -> Iterator[RankedLists]:
    """Top-K lists over the full catalogue, in blocks of users whose scores fit a budget.

    Each user's list holds the K best items that are allowed and that the user has not seen, descending, ties
    to the lower item index; it ends in item -1 (score -inf) where fewer are left. ``Embeddings`` take the fast
    kernel, any other Scorer is asked for ``scores(users)``.

    Args:
        scorer: what scores; its tensors may be on any device, the lists are on the CPU.
        users: indices, in the order the lists are wanted; None stands for all users.
        k: length of the lists; may exceed the number of items.
        seen: pairs to leave out.
        allowed: items that may be listed; None stands for all.
        memory_budget: bytes for the block of scores, its mask and the selection (the scorer's own tables and
            temporaries come on top). A block has at least one user, so one user's scores are always held.

    Returns: an iterator; arguments are checked at the call, before the first block is asked for. The size of
        a block may change the last bits of a floating-point score, as it changes the order of its sum.

    Raises: UserError for users, k, seen, allowed or a budget out of range, and for scores that are nan.

    Example:
        >>> taste = Embeddings(user=torch.tensor([[1.0], [-1.0]]), item=torch.tensor([[1.0], [3.0], [2.0]]))
        >>> [block.item.tolist() for block in rank(taste, k=2)]
        [[[1, 2], [0, 2]]]
    """
    asked = torch.arange(scorer.num_users) if users is None else users.to("cpu", torch.int64)
    _check(scorer, users=asked, k=k, seen=seen, allowed=allowed, memory_budget=memory_budget)
    seen = None if seen is None else seen.to("cpu")
    rows = _block_rows(scorer, users=asked, k=k, seen=seen, memory_budget=memory_budget)
    return _blocks(scorer, users=asked, k=k, seen=seen, allowed=allowed, rows=rows)


def _blocks(
    scorer: Scorer,
    *,
    users: Int[Tensor, " B"],
    k: int,
    seen: PairIndex | None,
    allowed: Bool[Tensor, " I"] | None,
    rows: int,
) -> Iterator[RankedLists]:
    buffer: Tensor | None = None  # one for all blocks: fresh pages cost more than the product
    none = torch.empty(0, dtype=torch.int64)
    for block in torch.split(users, rows) if len(users) else ():  # split() makes one empty block of no users
        seen_row, seen_item = (none, none) if seen is None else seen.rows(block)
        if isinstance(scorer, Embeddings):
            user_rows = scorer.user[block.to(scorer.user.device)]
            buffer = _empty_like(scorer.item, (len(block), scorer.num_items)) if buffer is None else buffer
            items, scores = top_k_embeddings(
                user_rows,
                scorer.item,
                k=k,
                seen_row=seen_row,
                seen_item=seen_item,
                allowed=allowed,
                buffer=buffer,
            )
        else:
            with torch.no_grad():
                given = scorer.scores(block)
            buffer = _empty_like(given, given.shape) if buffer is None else buffer
            held = buffer[: len(block)].copy_(given)  # what a scorer hands out may be its own table
            items, scores = top_k_masked(held, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed)
        yield RankedLists(block, items.cpu(), scores.cpu())


def _empty_like(given: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.empty(shape, dtype=given.dtype, device=given.device)


def _block_rows(
    scorer: Scorer, *, users: Int[Tensor, " B"], k: int, seen: PairIndex | None, memory_budget: int
) -> int:
    """Users of a block: as many as fit the budget with the longest history among them, at least one."""
    if isinstance(scorer, Embeddings):
        copies, size, device = 1, scorer.item.element_size(), scorer.item.device.type
    else:
        copies, size, device = 2, 4, "cpu"  # the scorer's own block, and the one that is masked
    scores = max(1, size * scorer.num_items)
    history = int(seen.degree()[users].max()) if seen is not None and len(users) else 0
    one_row = _BYTES_PER_MENDED * scorer.num_items
    per_user = scores * copies + one_row // MEND_PARTS + _BYTES_PER_PLACE * k + _BYTES_PER_SEEN * history
    rows = (memory_budget - one_row) // per_user
    return max(1, min(rows, _CACHED_BYTES // scores) if device == "cpu" else rows)


def _check(
    scorer: Scorer,
    *,
    users: Int[Tensor, " B"],
    k: int,
    seen: PairIndex | None,
    allowed: Bool[Tensor, " I"] | None,
    memory_budget: int,
) -> None:
    if k < 1:
        raise must_be("rank", "k", "at least 1", k)
    if memory_budget < 1:
        raise must_be("rank", "memory_budget", "at least 1 byte", memory_budget)
    if len(users) and not (users.min() >= 0 and users.max() < scorer.num_users):
        got = (int(users.min()), int(users.max()))
        raise must_be("rank", "users", f"indices in [0, {scorer.num_users})", f"{got[0]} to {got[1]}")
    shape = (scorer.num_users, scorer.num_items)
    if seen is not None and (seen.num_users, seen.num_items) != shape:
        raise must_be(
            "rank", "seen", f"over the scorer's users and items {shape}", (seen.num_users, seen.num_items)
        )
    if allowed is not None and (allowed.dtype != torch.bool or tuple(allowed.shape) != shape[1:]):
        got_allowed = f"{allowed.dtype} of shape {tuple(allowed.shape)}"
        raise must_be("rank", "allowed", f"a bool for each of the {shape[1]} items", got_allowed)
