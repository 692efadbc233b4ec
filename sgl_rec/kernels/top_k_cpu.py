"""Top-K on the CPU: scores are guessed by one product, and what may be in a list is scored again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from sgl_rec.kernels.backend import has_fast_bfloat16
from sgl_rec.kernels.jit import num_threads
from sgl_rec.kernels.top_k_rows_cpu import CHUNK, rank_rows

TILE_BYTES = 20 * 2**20
"""Scores that are worked on at once: they stay in the last cache between their product and their selection."""

_HALF_ROUNDING = 1.02 * 2.0**-8
"""How far a score may be from its bfloat16 (8 significant bits), as a part of the latter; 2 % are to spare."""

_MEASURED_ROWS = 1024
"""Vectors whose lengths are taken together."""

_LARGEST = 2.0**126
"""Vectors of this length, or whose lengths multiply to it, may have scores that overflow."""

_FLIP: Mapping[torch.dtype, np.integer[Any]] = {
    torch.bfloat16: np.int16(0x7FFF),
    torch.float32: np.int32(0x7FFFFFFF),
}
_BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}


@dataclass(frozen=True, eq=False)
class Hidden:
    """What the lists leave out: of row r the places ``bounds[r]`` of ``seen``, of all rows what is blocked.

    Args:
        bounds: shape (B, 3): the row's number, and from where to where its items stand in ``seen``.
        blocked: one bool for each item; empty where all are allowed.
    """

    bounds: np.ndarray
    seen: np.ndarray
    blocked: np.ndarray

    @classmethod
    def build(
        cls,
        shape: tuple[int, int],
        *,
        seen_row: Int64[Tensor, " P"],
        seen_item: Int64[Tensor, " P"],
        allowed: Bool[Tensor, " I"] | None,
    ) -> Hidden:
        """From pairs in any order, of so many rows and items."""
        num_rows, num_items = shape
        row, item = seen_row.cpu(), seen_item.cpu().contiguous()
        assert len(item) == 0 or (int(item.min()) >= 0 and int(item.max()) < num_items), "they are written to"
        assert allowed is None or len(allowed) == num_items
        if bool((row.diff() < 0).any()):
            row, order = row.sort()
            item = item[order]
        number = torch.arange(num_rows + 1)
        place = torch.searchsorted(row, number)
        bounds = torch.stack([number[:-1], place[:-1], place[1:]], dim=1)
        blocked = torch.empty(0, dtype=torch.bool) if allowed is None else ~allowed.cpu()
        return cls(bounds.numpy(), item.numpy(), blocked.numpy())


def select(
    scores: Float32[Tensor, "B I"], *, k: int, hidden: Hidden
) -> tuple[Int64[Tensor, "B K"], Float32[Tensor, "B K"]] | None:
    """The lists of contiguous scores, or None where one of them is nan. Hidden scores become -inf in place."""
    items = torch.empty(len(scores), k, dtype=torch.int64)
    best = torch.empty(len(scores), k)
    none = np.empty((0, 0), np.float32)
    rank_rows(
        num_threads(), hidden.bounds, scores.view(torch.int32).numpy(), _FLIP[torch.float32],
        (hidden.seen, hidden.blocked), np.empty((len(scores), 0), np.float32), (none, none, none),
        np.zeros((len(scores), 3), np.float32), np.float32(0), scores.shape[1], best.numpy(), items.numpy(),
    )  # fmt: skip
    return None if bool((items[:, 0] == -2).any()) else (items, best)


class Catalogue:
    r"""Items to be ranked by dot product for block after block of users.

    The first guess is a product in bfloat16 where the processor is fast at it, else in float32. A guess s of the
    float32 score of user u and item i is off by at most

    .. math:: \delta |s| + |\hat u| |v_i - \hat v_i| + |u - \hat u| |v_i| + c |u| |v_i|

    where hats are the rounded vectors, delta is the rounding of s and c bounds what the order of both sums does.
    Rows for which too many items come close to the list guess again in float32.

    Args:
        item: contiguous float32 table on the CPU, of one item at least.
        tile_bytes: of the guesses that are held at once; one row of float32 ones at least.
    """

    def __init__(self, item: Float32[Tensor, "I D"], *, tile_bytes: int = TILE_BYTES) -> None:
        self._item, self._half = item, item.to(torch.bfloat16)
        size = _lengths(item, self._half)
        chunks = np.pad(size, ((0, -len(item) % CHUNK), (0, 0))).reshape(-1, CHUNK, 2).max(axis=1)
        self._table = item.numpy(), size, np.ascontiguousarray(chunks.T)
        self._longest = float(size[:, 0].max()) if np.isfinite(size).all() else np.inf
        self._tile = torch.empty(max(tile_bytes // 4, len(item)), dtype=torch.int32)

    def top_k(
        self, user: Float32[Tensor, "B D"], *, k: int, hidden: Hidden
    ) -> tuple[Int64[Tensor, "B K"], Float32[Tensor, "B K"]] | None:
        """The lists of contiguous rows, or None where a score may overflow or be nan."""
        half = user.to(torch.bfloat16)
        size = _lengths(user, half)
        longest = float(size[:, 0].max(initial=1))
        if not (np.isfinite(size).all() and longest * max(self._longest, 1.0) < _LARGEST):
            return None
        items = torch.empty(len(user), k, dtype=torch.int64)
        lists = torch.empty(len(user), k), items
        rows, rounded = torch.from_numpy(hidden.bounds), self._radii(size)
        if has_fast_bfloat16(torch.device("cpu")):
            limit = max(8 * k, len(self._item) // 16)  # more looks would cost more than a float32 guess
            guess = _Guess(half, self._half, rounded, _HALF_ROUNDING, limit)
            rows = self._rank(rows, guess, user=user, hidden=hidden, lists=lists)
        if not _rounds_float32():
            guess = _Guess(user, self._item, self._radii(size * (1, 0)), 0.0, len(self._item))
        else:  # torch was told to round what it multiplies
            guess = _Guess(user, self._item, rounded, _HALF_ROUNDING, len(self._item))
        self._rank(rows, guess, user=user, hidden=hidden, lists=lists)
        return items, lists[0]

    def _rank(
        self, rows: Tensor, guess: _Guess, *, user: Tensor, hidden: Hidden, lists: tuple[Tensor, Tensor]
    ) -> Tensor:
        """The lists of those of ``rows`` that a guess is good enough for. Returns the others."""
        num_items, dtype = len(self._item), guess.item.dtype
        scores = self._tile.view(dtype)
        tiles = torch.split(rows, scores.numel() // num_items) if len(rows) else ()
        left = rows[:0]
        for place, tile in enumerate(tiles):
            product = scores[: len(tile) * num_items].view(len(tile), num_items)
            torch.mm(guess.user.index_select(0, tile[:, 0]), guess.item.T, out=product)
            rank_rows(
                num_threads(), tile.numpy(), product.view(_BITS[dtype]).numpy(), _FLIP[dtype],
                (hidden.seen, hidden.blocked), user.numpy(), self._table, guess.radii, np.float32(guess.rounding),
                guess.limit, lists[0].numpy(), lists[1].numpy(),
            )  # fmt: skip
            hard = tile[lists[1][:, 0].index_select(0, tile[:, 0]) == -2]
            left = torch.cat([left, hard])
            if 2 * len(hard) > len(tile):  # vectors too alike for such a guess: the rest is not even tried
                return torch.cat([left, *tiles[place + 1 :]])
        return left

    def _radii(self, size: np.ndarray) -> np.ndarray:
        """For each row how far off a guess is: times an item's length, times what it loses, and at least."""
        length, error = size.astype(np.float64).T
        width = self._item.shape[1]
        # Each of both sums rounds about D times, by 2^-24; this allows twice that.
        order = (width + 16) * 2.0**-22
        # Denormal numbers may count as zero.
        flushed = (width + 16) * 2.0**-120 * (1 + length + self._longest) * (length > 0)
        radii = np.stack([error + order * length, length + error, flushed], axis=1) * (1 + 2.0**-20)
        return radii.astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Guess:
    """What is multiplied, how far the product is off, and how many items of a row may be looked at closely."""

    user: Tensor
    item: Tensor
    radii: np.ndarray
    rounding: float
    limit: int


def bytes_beside_tile(item: Float32[Tensor, "I D"]) -> int:
    """What a Catalogue holds of its items: a rounded copy, two lengths, and what it takes to measure these."""
    return 2 * item.numel() + 12 * len(item) + 8 * item[:_MEASURED_ROWS].numel()


def _rounds_float32() -> bool:
    """Whether torch was told to round what it multiplies (``torch.set_float32_matmul_precision``)."""
    matmul = getattr(torch.backends.mkldnn, "matmul", None)  # a newer way to say it than the other
    told = torch.get_float32_matmul_precision() if matmul is None else matmul.fp32_precision
    return told not in ("none", "ieee", "highest")


def _lengths(whole: Float32[Tensor, "R D"], half: Tensor) -> np.ndarray:
    """Shape (R, 2): the length of each row, and of what it loses in bfloat16; both rounded up."""
    lengths = torch.empty(len(whole), 2)
    for first in range(0, len(whole), _MEASURED_ROWS):
        part = slice(first, first + _MEASURED_ROWS)
        lost = whole[part] - half[part]  # exact, for it has no more bits than the row
        for column, vectors in enumerate((whole[part], lost)):
            length = torch.linalg.vector_norm(vectors, dim=1, dtype=torch.float64)
            lengths[part, column] = length.mul_(1 + 2.0**-20).to(torch.float32)
    return lengths.numpy()
