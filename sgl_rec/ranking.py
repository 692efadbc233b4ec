"""A scorer and filters in, blocks of ranked lists out: what evaluation and export share."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.top_k import (
    BYTES_PER_MENDED,
    BYTES_PER_PLACE,
    BYTES_PER_SEEN,
    Catalogue,
    top_k_masked,
)
from sgl_rec.kernels.top_k_torch import MEND_PARTS
from sgl_rec.types import Embeddings, PairIndex, RankedLists, Scorer

MEMORY_BUDGET = 512 * 10**6
"""Bytes that ranking may hold at once where nothing else is said."""

_CACHED_BYTES = 8 * 2**20
"""On the CPU a block of scores beyond this leaves the cache between its product and its selection."""

_BLOCK_USERS = 4096
"""Users of a block of embeddings: many enough that what is done once a block costs nothing."""

_COMPILED_FROM = 10**9
"""Scores of another Scorer from which on the selection is worth compiling; the lists are the same either way."""

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
        size = float(match[1]) * _UNITS[match[2]]
        if 1 <= size < 2**63:
            return int(size)
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
    kernel (``kernels.top_k.Catalogue``), any other Scorer is asked for ``scores(users)``.

    Args:
        scorer: what scores; its tensors may be on any device, the lists are on the CPU.
        users: indices, in the order the lists are wanted; None stands for all users.
        k: length of the lists; may exceed the number of items.
        seen: pairs to leave out.
        allowed: items that may be listed; None stands for all.
        memory_budget: bytes for the scores that are held, their mask and the selection (the scorer's own tables
            and temporaries come on top). One user's scores are always held, and so is what the kernel keeps of
            each item: a copy in bfloat16 and two numbers.

    Returns: an iterator; arguments are checked at the call, before the first block is asked for. Float32
        embeddings on the CPU give the same lists and scores, bit for bit, whatever the budget, the threads and
        the users beside; elsewhere the size of a block may change the last bits of a score, as it changes the
        order of its sum.

    Raises: UserError for users, k, seen, allowed or a budget out of range, and for scores that are nan.

    Example:
        >>> taste = Embeddings(user=torch.tensor([[1.0], [-1.0]]), item=torch.tensor([[1.0], [3.0], [2.0]]))
        >>> [block.item.tolist() for block in rank(taste, k=2)]
        [[[1, 2], [0, 2]]]
    """
    asked = torch.arange(scorer.num_users) if users is None else users.to("cpu", torch.int64)
    _check(scorer, users=asked, k=k, seen=seen, allowed=allowed, memory_budget=memory_budget)
    seen = None if seen is None else seen.to("cpu")
    history = int(seen.degree()[asked].max()) if seen is not None and len(asked) else 0
    held = BYTES_PER_PLACE * k + BYTES_PER_SEEN * history  # beside the scores, for each user of a block
    if isinstance(scorer, Embeddings):
        return _of_embeddings(
            scorer, users=asked, k=k, seen=seen, allowed=allowed, held=held, memory_budget=memory_budget
        )
    return _of_scores(
        scorer, users=asked, k=k, seen=seen, allowed=allowed, held=held, memory_budget=memory_budget
    )


def _of_embeddings(
    scorer: Embeddings,
    *,
    users: Int[Tensor, " B"],
    k: int,
    seen: PairIndex | None,
    allowed: Bool[Tensor, " I"] | None,
    held: int,
    memory_budget: int,
) -> Iterator[RankedLists]:
    per_user = held + 8 * scorer.user.element_size() * scorer.user.shape[1]  # the rows, also rounded and measured
    rows = max(1, min(_BLOCK_USERS, memory_budget // 4 // per_user))
    catalogue = Catalogue(scorer.item, memory=memory_budget - rows * per_user)
    for block, seen_row, seen_item in _blocks(users, rows=rows, seen=seen):
        user_rows = scorer.user.detach().index_select(0, block.to(scorer.user.device))
        items, scores = catalogue.top_k(user_rows, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed)
        yield RankedLists(block, items.cpu(), scores.cpu())


def _of_scores(
    scorer: Scorer,
    *,
    users: Int[Tensor, " B"],
    k: int,
    seen: PairIndex | None,
    allowed: Bool[Tensor, " I"] | None,
    held: int,
    memory_budget: int,
) -> Iterator[RankedLists]:
    scores_of_one = max(1, 4 * scorer.num_items)
    one_row = BYTES_PER_MENDED * scorer.num_items
    per_user = (
        2 * scores_of_one + one_row // MEND_PARTS + held
    )  # the scorer's own block, and the one that is masked
    rows = max(1, min((memory_budget - one_row) // per_user, _CACHED_BYTES // scores_of_one))
    backend = "auto" if len(users) * scorer.num_items > _COMPILED_FROM else "torch"
    buffer: Tensor | None = None  # one for all blocks: fresh pages cost more than the scores
    for block, seen_row, seen_item in _blocks(users, rows=rows, seen=seen):
        with torch.no_grad():
            given = scorer.scores(block)
        buffer = torch.empty_like(given, memory_format=torch.contiguous_format) if buffer is None else buffer
        scores = buffer[: len(block)].copy_(given)  # what a scorer hands out may be its own table
        items, best = top_k_masked(
            scores, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed, backend=backend
        )
        yield RankedLists(block, items.cpu(), best.cpu())


def _blocks(
    users: Int[Tensor, " B"], *, rows: int, seen: PairIndex | None
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Blocks of users, and what they have seen: (position in the block, item)."""
    none = torch.empty(0, dtype=torch.int64)
    for block in torch.split(users, rows) if len(users) else ():  # split() makes one empty block of no users
        yield (block, none, none) if seen is None else (block, *seen.rows(block))


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
