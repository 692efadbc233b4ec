"""Lists of rows of scores, compiled: chunk maxima find the few items that can be listed.

A row of scores is cut into chunks. The K-th largest chunk maximum is no higher than the K-th best score, since K
different items reach it, so items below it need no second look. One vectorised pass over the row finds the
maxima; the list is then kept in a heap.

Scores of embeddings may be approximate (a bfloat16 product), with a bound on how far each is off. Items are then
scored again in float32, the most promising ones first, until the bound shows that no other item can reach the
list. So the lists are those of the float32 scores, whatever the approximation was; only the time depends on it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from sgl_rec.kernels.jit import jit

CHUNK = 64
"""Items of a chunk: few enough to be looked at one by one, and a multiple of the widest vector."""

_MINUS_INFINITY = -0x7F800001
"""-inf as an integer that orders like the floats."""


@jit(inline=True)
def _is_worse(score: float, item: int, than_score: float, than_item: int) -> bool:
    return score < than_score or (score == than_score and item > than_item)


@jit()
def _sift(scores: np.ndarray, items: np.ndarray, size: int) -> None:
    """The root of a heap (the worst entry is on top) moves down to where it belongs."""
    score, item, place = scores[0], items[0], 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _is_worse(scores[child + 1], items[child + 1], scores[child], items[child]):
            child += 1
        if not _is_worse(scores[child], items[child], score, item):
            break
        scores[place], items[place] = scores[child], items[child]
        place = child
    scores[place], items[place] = score, item


@jit()
def _sort_heap(scores: np.ndarray, items: np.ndarray) -> None:
    """A heap becomes a list, the best entry first."""
    for last in range(len(scores) - 1, 0, -1):
        scores[0], scores[last] = scores[last], scores[0]
        items[0], items[last] = items[last], items[0]
        _sift(scores, items, last)


@jit(inline=True)
def _flipped(bits: np.int32) -> np.int32:
    """The bits of a float32 as an integer that orders like the floats, and back again."""
    return np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF))


@jit()
def _kth_largest(values: np.ndarray, k: int) -> np.int32:
    """An integer that at least K of the values reach, and hardly more; that of -inf where there are fewer.

    By bisection: to count what reaches an integer is one vectorised pass.
    """
    if len(values) < k:
        return np.int32(_MINUS_INFINITY)
    least, most = values[0], values[0]
    for value in values:
        least, most = min(least, value), max(most, value)
    low, high = np.int64(least), np.int64(most) + 1  # K values reach `low`, fewer reach `high`
    while high - low > 1:
        middle, count = np.int32((low + high) >> 1), np.int32(0)
        for value in values:
            count = np.int32(count + np.int32(value >= middle))
        if count < k:
            high = np.int64(middle)
        else:
            low = np.int64(middle)
            if count == k:
                break
    return np.int32(low)


@jit()
def _reaching(values: np.ndarray, size: int, lowest: float, found: np.ndarray) -> int:
    """The places of the values from ``lowest`` on, and their number. No branch: which they are is a toss-up."""
    count = 0
    for place in range(size):
        found[count] = place
        count += int(values[place] >= lowest)
    return count


@jit()
def _dot(left: np.ndarray, right: np.ndarray) -> np.float32:
    total = np.float32(0)
    for place in range(len(left)):
        total += left[place] * right[place]
    return total


@jit()
def _find_maxima(bits: np.ndarray, flip: np.integer[Any], maxima: np.ndarray) -> None:
    """The largest score of each chunk: the bits of a float32, flipped.

    The bits of a float are an integer that orders like it once the other bits of a negative one are flipped, and
    integers have a maximum that vectorises; ``flip`` has those bits, and the width of a score.
    """
    integer, shift = bits.dtype.type, 16 if flip == 0x7FFF else 0
    for chunk in range(len(maxima)):
        part = bits[chunk * CHUNK : (chunk + 1) * CHUNK]
        most = integer(-flip - 1)
        if len(part) == CHUNK:  # a length that the compiler knows
            for place in range(CHUNK):
                most = max(most, integer(part[place] ^ integer(integer(part[place] >> 31) & flip)))
        else:
            for place in range(len(part)):
                most = max(most, integer(part[place] ^ integer(integer(part[place] >> 31) & flip)))
        most = integer(most ^ integer(integer(most >> 31) & flip))
        maxima[chunk] = _flipped(np.int32(np.int32(most) << shift))


@jit()
def _has_nan(bits: np.ndarray) -> bool:
    most = np.int32(0)
    for place in range(len(bits)):
        most = max(most, np.int32(bits[place] & 0x7FFFFFFF))
    return bool(most > 0x7F800000)


@jit()
def _rank_row(
    bits: np.ndarray,
    shift: int,
    maxima: np.ndarray,
    user: np.ndarray,
    table: tuple[np.ndarray, np.ndarray, np.ndarray],
    radius: np.ndarray,
    rounding: np.float32,
    limit: int,
    scratch: tuple[np.ndarray, np.ndarray, np.ndarray],
    scores: np.ndarray,
    items: np.ndarray,
) -> bool:
    """One row's list into ``scores`` and ``items``. Returns whether it took at most ``limit`` looks.

    The first sweep looks at what reaches the K-th largest maximum, which fills the list; the second one at what
    may still enter it. Without a table the scores are exact, and one sweep does.
    """
    item_table, item_size, chunk_size = table
    part_bits, found_chunks, found_places = scratch
    exact = item_table.shape[0] == 0
    part, top = part_bits.view(np.float32), maxima.view(np.float32)
    part_bits[0] = _flipped(_kth_largest(maxima, len(scores)))
    cut, looks = part[0], 0
    for chunk in range(len(maxima)):
        maxima[chunk] = _flipped(maxima[chunk])
    scores[:], items[:] = -np.inf, -1
    lowest = cut
    for sweep in range(1 if exact else 2):
        if sweep == 1:
            lowest = scores[0]
            for chunk in range(len(maxima)):  # how far a chunk reaches where its largest errors meet
                slack = radius[0] * chunk_size[0, chunk] + radius[1] * chunk_size[1, chunk] + radius[2]
                top[chunk] += rounding * abs(top[chunk]) + slack
        for hit in range(_reaching(top, len(maxima), lowest, found_chunks)):
            chunk = found_chunks[hit]
            begin = chunk * CHUNK
            width = min(CHUNK, len(bits) - begin)
            for place in range(width):
                part_bits[place] = np.int32(bits[begin + place]) << shift
            least = cut
            if sweep == 1:
                slack = radius[0] * chunk_size[0, chunk] + radius[1] * chunk_size[1, chunk] + radius[2]
                least = scores[0] - slack - rounding * abs(scores[0] - slack)
            for found in range(_reaching(part, width, least, found_places)):
                value, item = part[found_places[found]], begin + found_places[found]
                if value == -np.inf or (sweep == 1 and value >= cut):
                    continue
                if not exact:
                    slack = radius[0] * item_size[item, 0] + radius[1] * item_size[item, 1] + radius[2]
                    if _is_worse(value + rounding * abs(value) + slack, item, scores[0], items[0]):
                        continue
                    looks += 1
                    if looks > limit:
                        return False
                    value = _dot(user, item_table[item])
                if _is_worse(scores[0], items[0], value, item):
                    scores[0], items[0] = value, item
                    _sift(scores, items, len(scores))
    _sort_heap(scores, items)
    return True


@jit()
def _rank_part(
    part: int,
    parts: int,
    rows: np.ndarray,
    bits: np.ndarray,
    flip: np.integer[Any],
    hidden: tuple[np.ndarray, np.ndarray],
    user: np.ndarray,
    table: tuple[np.ndarray, np.ndarray, np.ndarray],
    radii: np.ndarray,
    rounding: np.float32,
    limit: int,
    scores: np.ndarray,
    items: np.ndarray,
) -> None:
    """Every ``parts``-th row. The list of a row that is not done, or holds nan, begins with item -2."""
    lowest, shift = (-0x80, 16) if flip == 0x7FFF else (-0x800000, 0)  # -inf, which is what a masked item scores
    seen_item, blocked = hidden
    maxima = np.empty((bits.shape[1] + CHUNK - 1) // CHUNK, np.int32)
    scratch = np.empty(CHUNK, np.int32), np.empty(len(maxima), np.int64), np.empty(CHUNK, np.int64)
    for line in range(part, len(rows), parts):
        row, given = rows[line, 0], bits[line]
        for place in range(rows[line, 1], rows[line, 2]):
            given[seen_item[place]] = lowest
        for item in range(len(blocked)):
            if blocked[item]:
                given[item] = lowest
        done = table[0].shape[0] > 0 or not _has_nan(given)
        if done:
            _find_maxima(given, flip, maxima)
            done = _rank_row(
                given,
                shift,
                maxima,
                user[row],
                table,
                radii[row],
                rounding,
                limit,
                scratch,
                scores[row],
                items[row],
            )
        if not done:
            items[row, 0] = -2


@jit(parallel=True)
def rank_rows(
    parts: int,
    rows: np.ndarray,
    bits: np.ndarray,
    flip: np.integer[Any],
    hidden: tuple[np.ndarray, np.ndarray],
    user: np.ndarray,
    table: tuple[np.ndarray, np.ndarray, np.ndarray],
    radii: np.ndarray,
    rounding: np.float32,
    limit: int,
    scores: np.ndarray,
    items: np.ndarray,
) -> None:
    for part in numba.prange(parts):
        _rank_part(int(part), parts, rows, bits, flip, hidden, user, table, radii, rounding, limit, scores, items)
