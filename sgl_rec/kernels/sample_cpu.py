"""Negatives compiled by Numba: the binary searches of a block go in step, so that their reads overlap."""

from __future__ import annotations

import numpy as np
import torch
from numba import prange
from torch import Tensor

from sgl_rec.kernels.hash_cpu import Words, below, joined, mix_first, mix_second, words
from sgl_rec.kernels.jit import jit, num_threads
from sgl_rec.kernels.sample import DrawWeights
from sgl_rec.types import PairIndex

_PARTS_PER_THREAD = 4
_DRAWS_PER_PART = 4096  # what is less is not worth a thread
_BLOCK = 64


def sample(users: Tensor, width: int, touched: PairIndex, key: int, weights: DrawWeights | None) -> Tensor:
    out = torch.empty(len(users), width, dtype=torch.int64)
    parts = max(1, min(_PARTS_PER_THREAD * num_threads(), -(-out.numel() // _DRAWS_PER_PART)))
    exact = np.ones(parts, np.bool_)
    item = touched.item.numpy()
    if weights is None:
        item_before, free_before = np.array([0, touched.num_items]), item
    else:
        item_before, free_before = weights.item_before.numpy(), weights.free_before.numpy()
    arguments = (users.contiguous().numpy(), touched.start.numpy(), item, item_before, free_before)
    if parts == 1:  # a batch is drawn before a second thread is awake
        exact[0] = _draw_part(*arguments, weights is None, words(key), 0, out.numel(), out.numpy())
    else:
        _draw(*arguments, weights is None, words(key), out.numpy(), exact)
    assert exact.all(), "a user who has touched every item has no negative"
    return out


@jit(parallel=True)
def _draw(
    users: np.ndarray,
    start: np.ndarray,
    item: np.ndarray,
    item_before: np.ndarray,
    free_before: np.ndarray,
    uniform: bool,
    key: Words,
    out: np.ndarray,
    exact: np.ndarray,
) -> None:
    for part in prange(len(exact)):
        begin, end = part * out.size // len(exact), (part + 1) * out.size // len(exact)
        exact[part] = _draw_part(users, start, item, item_before, free_before, uniform, key, begin, end, out)


@jit()
def _draw_part(
    users: np.ndarray,
    start: np.ndarray,
    item: np.ndarray,
    item_before: np.ndarray,
    free_before: np.ndarray,
    uniform: bool,
    key: Words,
    begin: int,
    end: int,
    out: np.ndarray,
) -> bool:
    """The draws [begin, end), counted along the rows of ``out``; whether every user had something to draw.

    ``uniform``: every weight is 1; then ``item_before`` holds no more than the whole mass, and ``free_before`` is
    ``item``, an element of which is by its place in its row too large.
    """
    flat, width = out.reshape(-1), out.shape[1]
    first, length = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    rank, count = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    for base in range(begin, end, _BLOCK):
        size = min(_BLOCK, end - base)
        for draw in range(size):
            row, which = divmod(base + draw, width)
            user = users[row]
            first[draw], length[draw] = start[user], start[user + 1] - start[user]
            own = _own_mass(item, item_before, free_before, uniform, first[draw], length[draw])
            mass = item_before[-1] - own
            if mass <= 0:
                return False
            rank[draw] = below(joined(key, mix_first(key, row), mix_second(key, which)), mass)
        _count_before(free_before, uniform, first, length, rank, size, count)
        for draw in range(size):
            own = _own_mass(item, item_before, free_before, uniform, first[draw], count[draw])
            flat[base + draw] = rank[draw] + own
        if not uniform:
            _items_at(item_before, flat[base : base + size], count)
    return True


@jit(inline=True)
def _own_mass(
    item: np.ndarray,
    item_before: np.ndarray,
    free_before: np.ndarray,
    uniform: bool,
    first: int,
    count: int,
) -> np.int64:
    """The mass of the ``count`` first items of a user's own."""
    if uniform or count == 0:
        return np.int64(count)
    last = first + count - 1
    return np.int64(item_before[item[last] + 1] - free_before[last])


@jit(inline=True)
def _count_before(
    free_before: np.ndarray,
    uniform: bool,
    first: np.ndarray,
    length: np.ndarray,
    rank: np.ndarray,
    size: int,
    count: np.ndarray,
) -> None:
    """How many of a user's own items have at most ``rank`` of untouched mass before them; uses up ``length``."""
    slope = 1 if uniform else 0
    longest = 0
    for draw in range(size):
        count[draw] = 0
        longest = max(longest, length[draw])
    while longest > 0:
        for draw in range(size):
            half = (length[draw] + 1) >> 1
            # Where nothing is left to halve, any element may be read: 0 is added either way.
            middle = max(count[draw] + half - 1, 0)
            place = min(first[draw] + middle, len(free_before) - 1)
            count[draw] += half if free_before[place] - slope * middle <= rank[draw] else 0
            length[draw] -= half
        longest >>= 1


@jit(inline=True)
def _items_at(item_before: np.ndarray, places: np.ndarray, item: np.ndarray) -> None:
    """Each place in the whole mass -> the last item that begins at it or before."""
    item[:] = 0
    length = len(item_before)
    while length > 1:
        half = length >> 1
        for draw in range(len(places)):
            item[draw] += half if item_before[item[draw] + half] <= places[draw] else 0
        length -= half
    for draw in range(len(places)):
        places[draw] = item[draw]
