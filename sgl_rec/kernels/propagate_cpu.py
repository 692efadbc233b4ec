"""``propagate`` compiled for the CPU.

One loop over rows does all there is to a layer while the row is in the nearest cache: the sum over its
neighbours, noise, Horner's term and the weighted sum of layers. In float32 a hop reads rows as they are and
multiplies them by ``right`` on the way; for bfloat16 each hop writes the rows that the next one reads, multiplied
and rounded, as the upper 16 bits of a float32. Rows are shared among a fixed number of parts, and each row is
summed in the order of its neighbours: the bits do not depend on the number of threads.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor

from sgl_rec.kernels.gather_cpu import gather_sum
from sgl_rec.kernels.hash_cpu import mix, mix_first, mix_second, words
from sgl_rec.kernels.jit import jit, num_threads
from sgl_rec.kernels.noise import layer_key
from sgl_rec.types import Adjacency, Noise, Precision

_PARTS = 64
_ROW_COST = 4  # what a row costs beside its neighbours, in neighbours
_SCRATCH_BYTES = 2**28  # a larger buffer is not kept
_NO_WORDS = np.zeros(3, np.uint32)
_NO_BYTES, _NO_HALVES = np.empty(0, np.uint8), np.empty((0, 0), np.uint16)

_kept = threading.local()


class _Rows(NamedTuple):
    """What a hop makes of the sum over neighbours of each row; an array without rows is not read or written.

    value = factor * left * sum + noise + weight * x + added; it goes to ``whole``, times ``next_right`` to
    ``stored`` (bfloat16), and times ``share`` onto ``total``, which begins as ``start`` * x where ``begins``.
    """

    left: np.ndarray
    x: np.ndarray
    added: np.ndarray
    words: Any
    whole: np.ndarray
    stored: np.ndarray
    next_right: np.ndarray
    total: np.ndarray
    numbers: np.ndarray  # factor, weight, magnitude, share, start, begins; one array compiles sooner than six


def horner(
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    added: Sequence[Tensor | None],
    precision: Precision,
) -> Tensor:
    """y_0 = w_0 X + B_0, then y_k = A_k y_(k-1) + w_k X + B_k; the last one."""
    hops = _Hops(x, *_start(x, weights[0], added[0]), adjacencies[0], precision)
    result = torch.empty_like(x)
    for index, adjacency in enumerate(adjacencies, start=1):
        left = len(adjacencies) - index
        # Whole rows go to the result by turns, one table less to hold and to keep in cache.
        by_turns = precision == "float32" and left % 2 == 0
        hops.next(
            adjacency,
            adjacencies[index] if left else None,
            weight=weights[index],
            added=added[index],
            result=result if by_turns or not left else None,
        )
    return result


def layers(
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    noise: Noise | None,
    taps: Sequence[int],
    precision: Precision,
) -> tuple[Tensor, ...]:
    """(sum_k w_k H_k, H_tap, ...), layer by layer."""
    hops = _Hops(x, x, 1.0, adjacencies[0], precision)
    total = torch.empty_like(x)
    # An output must not be the input itself, hence the copy of a tapped layer 0.
    tapped = {tap: torch.empty_like(x) if tap else x.clone() for tap in taps}
    following = [*adjacencies[1:], None]
    for layer, (adjacency, after) in enumerate(zip(adjacencies, following, strict=True), start=1):
        hops.next(
            adjacency,
            after,
            noise=noise,
            layer=layer,
            result=tapped.get(layer),
            total=total,
            share=weights[layer],
            start=weights[0] if layer == 1 else None,
        )
    return (total, *(tapped[tap] for tap in taps))


def _start(x: Tensor, weight: float, added: Tensor | None) -> tuple[Tensor, float]:
    """y_0 as a table and a factor on it, a new table only where two must be added."""
    if added is None:
        return x, weight
    return (added, 1.0) if weight == 0 else (torch.add(added, x, alpha=weight), 1.0)


class _Hops:
    """A chain of hops: holds what the next one reads.

    Args:
        x: of Horner's terms, and of the weighted sum's layer 0.
        start: y_0 over ``factor``.
        first: the adjacency of the first hop.
    """

    def __init__(self, x: Tensor, start: Tensor, factor: float, first: Adjacency, precision: Precision) -> None:
        self._x, self._halves = _array(x), precision == "bfloat16"
        self._none, self._turn = self._x[:0], 0
        self._number = self._x.dtype.type
        self._table, self._factor = _array(start), self._number(factor)
        if self._halves:
            halves = self._scratch(np.dtype(np.uint16))
            num_threads()
            _round_rows(self._table, self._factor, _array(first.right), halves)
            self._table, self._factor = halves, self._number(1)

    def next(
        self,
        adjacency: Adjacency,
        following: Adjacency | None,
        *,
        weight: float = 0.0,
        added: Tensor | None = None,
        noise: Noise | None = None,
        layer: int = 0,
        result: Tensor | None = None,
        total: Tensor | None = None,
        share: float = 0.0,
        start: float | None = None,
    ) -> None:
        """One hop; see ``_Rows``. ``following`` is the next hop's adjacency, ``result`` takes the value."""
        number, none = self._number, self._none
        whole, stored = none if result is None else _array(result), _NO_HALVES
        if following is not None and self._halves:
            stored = self._scratch(np.dtype(np.uint16))
        elif following is not None and result is None:
            whole = self._scratch(self._x.dtype)
        rows = _Rows(
            left=_array(adjacency.left),
            x=self._x,
            added=none if added is None else _array(added),
            words=_NO_WORDS if noise is None else np.array(words(layer_key(noise, layer))),
            whole=whole,
            stored=stored,
            next_right=_array((adjacency if following is None else following).right),
            total=none if total is None else _array(total),
            numbers=np.array(
                [
                    self._factor,
                    weight,
                    0 if noise is None else noise.magnitude,
                    share,
                    start or 0,
                    start is not None,
                ],
                self._x.dtype,
            ),
        )
        # Rounded rows were multiplied by `right` when they were written.
        right = None if self._halves else _array(adjacency.right)
        num_threads()
        _hop(_array(adjacency.row_start), _array(adjacency.column), self._table, right, rows)
        self._table, self._factor = stored if self._halves else whole, number(1)

    def _scratch(self, dtype: np.dtype) -> np.ndarray:
        """One of two tables, by turns: one is read while the other is written."""
        self._turn = 1 - self._turn
        return _scratch(self._turn, self._x.shape, dtype)


def _array(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.detach().numpy()
    return array


def _scratch(index: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A table of this thread's, kept for the next call: the pages of a new one cost more than its writing."""
    size = math.prod(shape) * dtype.itemsize
    buffers: dict[str, np.ndarray] = vars(_kept)
    buffer = buffers.get(str(index), _NO_BYTES)
    if len(buffer) < size:
        # PyTorch's memory begins with a cache line, NumPy's does not: a row of 64 would lie in a line more.
        buffer = _array(torch.empty(size, dtype=torch.uint8))
        if size <= _SCRATCH_BYTES:
            buffers[str(index)] = buffer
    return buffer[:size].view(dtype).reshape(shape)


@jit(inline=True)
def _round(bits: np.ndarray, halves: np.ndarray, index: int) -> None:
    """The bits of float32 -> the upper 16, to nearest even; a NaN stays one."""
    for column in range(len(bits)):
        word = bits[column]
        even = np.uint32((word >> np.uint32(16)) & np.uint32(1))
        rounded = np.uint32(np.uint32(word + np.uint32(0x7FFF) + even) >> np.uint32(16))
        nan = np.uint32(word & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
        halves[index, column] = np.uint16(0x7FC0) if nan else np.uint16(rounded)


@jit()
def _round_part(
    begin: int, end: int, table: np.ndarray, factor: np.float32, right: np.ndarray, halves: np.ndarray
) -> None:
    row = np.empty(table.shape[1], np.float32)
    bits = row.view(np.uint32)
    for index in range(begin, end):
        scale = right[index]
        for column in range(len(row)):
            row[column] = table[index, column] * factor * scale
        _round(bits, halves, index)


@jit(parallel=True)
def _round_rows(table: np.ndarray, factor: np.float32, right: np.ndarray, halves: np.ndarray) -> None:
    """halves = right * (factor * table), rounded."""
    count = len(table)
    for part in numba.prange(_PARTS):
        _round_part(part * count // _PARTS, (part + 1) * count // _PARTS, table, factor, right, halves)


@jit(inline=True)
def _add_noise(
    value: np.ndarray,
    draws: np.ndarray,
    second: np.ndarray,
    first: np.uint32,
    last_word: np.uint32,
    magnitude: float,
) -> None:
    """A row's step of one length into its own orthant; ``first``, ``second``: the counters' parts of the hash."""
    number = value.dtype.type
    squares = number(0)
    for column in range(len(value)):
        bits = mix(np.uint32(np.uint32(first ^ second[column]) + last_word))
        draws[column] = number(np.int32((bits >> np.uint32(8)) | np.uint32(1)))
    # A sum in a loop of its own, over one array: where a loop writes as well, how far its arrays happen to lie
    # apart decides between two compiled forms of it, which sum in different orders.
    for column in range(len(value)):
        squares += draws[column] * draws[column]
    step = magnitude / np.sqrt(squares)
    for column in range(len(value)):
        one = value[column]
        value[column] = one + step * draws[column] * (number(one > 0) - number(one < 0))


# The arrays are taken out of the tuple once and indexed by row and column throughout: a tuple's field or a row
# as an array of its own is counted as a reference, by instructions that the threads would wait for.
@jit()
def _hop_part(
    begin: int,
    end: int,
    row_start: np.ndarray,
    column: np.ndarray,
    table: np.ndarray,
    right: np.ndarray | None,
    rows: _Rows,
) -> None:
    left, x, added, whole, stored, total = rows.left, rows.x, rows.added, rows.whole, rows.stored, rows.total
    next_right, key, numbers = rows.next_right, rows.words, rows.numbers
    factor, weight, magnitude, share, start = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    begins = numbers[5] != 0
    width = table.shape[1]
    value, draws, narrow = np.empty(width, x.dtype), np.empty(width, x.dtype), np.empty(width, np.float32)
    bits, second = narrow.view(np.uint32), np.empty(width, np.uint32)
    for j in range(width):
        second[j] = mix_second(key, j)
    for i in range(begin, end):
        first, last = np.int64(row_start[i]), np.int64(row_start[i + 1])
        gather_sum(value, left[i] * factor, table, right, column, first, last)
        if magnitude > 0:
            _add_noise(value, draws, second, mix_first(key, i), key[2], magnitude)
        if weight != 0:
            for j in range(width):
                value[j] += weight * x[i, j]
        if len(added) > 0:
            for j in range(width):
                value[j] += added[i, j]
        if len(whole) > 0:
            for j in range(width):
                whole[i, j] = value[j]
        if len(stored) > 0:
            scale = next_right[i]
            for j in range(width):
                narrow[j] = value[j] * scale
            _round(bits, stored, i)
        if len(total) > 0:
            if begins:
                for j in range(width):
                    total[i, j] = share * value[j] + (start * x[i, j] if start != 0 else 0)
            elif share != 0:
                for j in range(width):
                    total[i, j] += share * value[j]


@jit(inline=True)
def _boundary(row_start: np.ndarray, part: int) -> int:
    """The first row of a part: rows are shared evenly by their neighbours and a constant for each row."""
    count = len(row_start) - 1
    target = part * (row_start[count] + _ROW_COST * count) // _PARTS
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if row_start[middle] + _ROW_COST * middle < target:
            low = middle + 1
        else:
            high = middle
    return low


@jit(parallel=True)
def _hop(
    row_start: np.ndarray, column: np.ndarray, table: np.ndarray, right: np.ndarray | None, rows: _Rows
) -> None:
    """Every row of a hop, a sum of ``table[c] * right[c]``, or of ``table[c]`` without ``right``."""
    for part in numba.prange(_PARTS):
        begin, end = _boundary(row_start, part), _boundary(row_start, part + 1)
        _hop_part(begin, end, row_start, column, table, right, rows)
