"""Thinning compiled by Numba: mark and count what stays, add up, write; rows in parts of equally many edges.

No number depends on how the rows are parted.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from numba import prange
from torch import Tensor

from sgl_rec.kernels.hash import split_key, threshold
from sgl_rec.kernels.hash_cpu import Words, below, joined, mix_first, mix_second, uniform_bits, words
from sgl_rec.kernels.jit import jit, num_threads

Pattern: TypeAlias = tuple[Tensor, Tensor]
_PARTS_PER_THREAD = 4
_EDGES_PER_PART = 8192  # what is less is not worth a thread


def thin_edges(row_start: Tensor, column: Tensor, *, key: int, drop_rate: float) -> Pattern:
    bound = threshold(drop_rate)
    if bound == 0:
        return row_start.clone(), column.clone()
    starts, columns = row_start.numpy(), column.numpy()
    parts = _Parts(starts)
    _mark_edges(starts, columns, words(key), np.uint32(bound - 1), parts.rows, parts.kept, parts.count)
    return parts.written(starts, columns)


def thin_nodes(row_start: Tensor, column: Tensor, *, key: int, drop_rate: float) -> Pattern:
    kept = np.empty(len(row_start) - 1, np.bool_)
    _draw_nodes(words(key), threshold(drop_rate), kept)
    return between(row_start, column, kept=torch.from_numpy(kept))


def between(row_start: Tensor, column: Tensor, *, kept: Tensor) -> Pattern:
    starts, columns = row_start.numpy(), column.numpy()
    parts = _Parts(starts)
    _mark_between(starts, columns, kept.numpy(), parts.rows, parts.kept, parts.count)
    return parts.written(starts, columns)


def walk(
    row_start: Tensor, column: Tensor, *, key: int, num_seeds: int, walk_length: int, restart: float
) -> Tensor:
    starts = row_start.numpy()
    candidates = np.flatnonzero(starts[1:] > starts[:-1])
    order = np.empty(len(candidates), np.uint64)
    _order_of(words(split_key(key, 0)), candidates, order)
    if num_seeds < len(order):
        # The walks do not meet, so that any order of the seeds will do: selected, not sorted.
        order = np.partition(order, num_seeds - 1)[:num_seeds]
    visited = np.zeros(len(starts) - 1, np.bool_)
    seeds = (order & np.uint64(0xFFFFFFFF)).astype(np.int64)
    _walk(
        starts,
        column.numpy(),
        seeds,
        words(split_key(key, 1)),
        words(split_key(key, 2)),
        walk_length,
        threshold(restart),
        visited,
    )
    return torch.from_numpy(visited)


class _Parts:
    """Rows in parts of about equally many edges, and what is kept of them.

    ``rows``: the first row of each part, and the end. ``kept``: 1 for each entry that stays, else 0. ``count``:
    how many stay in each part.
    """

    def __init__(self, starts: np.ndarray) -> None:
        edges = int(starts[-1])
        parts = max(1, min(_PARTS_PER_THREAD * num_threads(), edges // _EDGES_PER_PART))
        self.rows = np.searchsorted(starts, np.linspace(0, edges, parts + 1).astype(np.int64))
        self.rows[0], self.rows[-1] = 0, len(starts) - 1
        self.kept = np.empty(edges, np.uint8)
        self.count = np.zeros(parts, np.int64)

    def written(self, starts: np.ndarray, columns: np.ndarray) -> Pattern:
        """The entries that stay, in the order they stand."""
        before = np.cumsum(self.count) - self.count
        row_start = torch.zeros(len(starts), dtype=torch.int32)
        column = torch.empty(int(self.count.sum()), dtype=torch.int32)
        _write(starts, columns, self.rows, self.kept, before, row_start.numpy(), column.numpy())
        return row_start, column


@jit(parallel=True)
def _mark_edges(
    starts: np.ndarray,
    columns: np.ndarray,
    key: Words,
    last_dropped: np.uint32,
    rows: np.ndarray,
    kept: np.ndarray,
    count: np.ndarray,
) -> None:
    for part in prange(len(count)):
        begin, end = rows[part], rows[part + 1]
        _mark_edges_of(starts, columns, key, last_dropped, begin, end, kept)
        count[part] = _total(kept, np.int64(starts[begin]), np.int64(starts[end]))


@jit()
def _mark_edges_of(
    starts: np.ndarray,
    columns: np.ndarray,
    key: Words,
    last_dropped: np.uint32,
    begin: int,
    end: int,
    kept: np.ndarray,
) -> None:
    for row in range(begin, end):
        entry, stop = np.int64(starts[row]), np.int64(starts[row + 1])
        # The smaller node is the first counter, from whichever end the edge is seen: two loops without a branch.
        turn = _first_above(columns, entry, stop, row)
        mixed = mix_second(key, row)
        for place in range(entry, turn):
            kept[place] = joined(key, mix_first(key, columns[place]), mixed) > last_dropped
        mixed = mix_first(key, row)
        for place in range(turn, stop):
            kept[place] = joined(key, mixed, mix_second(key, columns[place])) > last_dropped


@jit(inline=True)
def _first_above(columns: np.ndarray, entry: np.int64, stop: np.int64, row: int) -> np.int64:
    """The first entry in [entry, stop) whose column is above ``row``; users see items alone, and items users."""
    if entry == stop or columns[entry] > row:
        return entry
    if columns[stop - 1] < row:
        return stop
    while columns[entry] <= row:
        entry += 1
    return entry


@jit(inline=True)
def _total(kept: np.ndarray, entry: np.int64, stop: np.int64) -> int:
    total = 0
    for place in range(entry, stop):
        total += kept[place]
    return total


@jit(parallel=True)
def _mark_between(
    starts: np.ndarray,
    columns: np.ndarray,
    nodes: np.ndarray,
    rows: np.ndarray,
    kept: np.ndarray,
    count: np.ndarray,
) -> None:
    for part in prange(len(count)):
        count[part] = _mark_between_of(starts, columns, nodes, rows[part], rows[part + 1], kept)


@jit()
def _mark_between_of(
    starts: np.ndarray, columns: np.ndarray, nodes: np.ndarray, begin: int, end: int, kept: np.ndarray
) -> int:
    for row in range(begin, end):
        there = nodes[row]
        for entry in range(starts[row], starts[row + 1]):
            kept[entry] = there & nodes[columns[entry]]
    return _total(kept, np.int64(starts[begin]), np.int64(starts[end]))


@jit(parallel=True)
def _write(
    starts: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
    kept: np.ndarray,
    before: np.ndarray,
    row_start: np.ndarray,
    column: np.ndarray,
) -> None:
    for part in prange(len(before)):
        _write_of(starts, columns, rows[part], rows[part + 1], kept, before[part], row_start, column)


@jit()
def _write_of(
    starts: np.ndarray,
    columns: np.ndarray,
    begin: int,
    end: int,
    kept: np.ndarray,
    place: int,
    row_start: np.ndarray,
    column: np.ndarray,
) -> None:
    # Every entry is written, and a dropped one written over: no branch to guess. What is dropped at the part's
    # end is left out, so that nothing is written where the next part begins.
    first, stop = np.int64(starts[begin]), np.int64(starts[end])
    while stop > first and not kept[stop - 1]:
        stop -= 1
    for row in range(begin, end):
        for entry in range(starts[row], min(np.int64(starts[row + 1]), stop)):
            column[place] = columns[entry]
            place += kept[entry]
        row_start[row + 1] = place


@jit()
def _draw_nodes(key: Words, bound: int, kept: np.ndarray) -> None:
    for node in range(len(kept)):
        kept[node] = uniform_bits(key, node, 0) >= bound


@jit()
def _order_of(key: Words, candidates: np.ndarray, order: np.ndarray) -> None:
    """The draw of each node above its number: ascending by draw, and by number where draws are equal."""
    for index in range(len(candidates)):
        node = candidates[index]
        order[index] = (np.uint64(uniform_bits(key, node, 0)) << np.uint64(32)) | np.uint64(node)


@jit()
def _walk(
    starts: np.ndarray,
    columns: np.ndarray,
    seeds: np.ndarray,
    step_key: Words,
    back_key: Words,
    walk_length: int,
    restart: int,
    visited: np.ndarray,
) -> None:
    for seed in seeds:
        here = seed
        visited[here] = True
        for step in range(walk_length):
            if uniform_bits(back_key, seed, step) < restart:
                here = seed
            else:
                degree = starts[here + 1] - starts[here]
                here = np.int64(columns[starts[here] + below(uniform_bits(step_key, seed, step), degree)])
            visited[here] = True
