"""``kernels.propagate`` on the GPU: CSR rows in parallel, long rows in parts, everything after the sum fused.

A hop reads rows in the form its product takes them, already multiplied by ``right`` and, if so asked, rounded to
bfloat16; the hop before has written them so. No float is added atomically: the parts of a long row are summed in
order by a pass of their own, so that the bits repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from sgl_rec.kernels import propagate_torch
from sgl_rec.kernels.hash_cuda import split_key, uniform_bits
from sgl_rec.kernels.triton_jit import FUSED, jit, key_on, on_device_of, up_to_power_of_2
from sgl_rec.types import Adjacency, Noise, Precision

LONG = 128
"""A row with more edges is summed in parts of this many: a hub then takes no longer than many short rows."""

_ROWS = 4  # rows of one program: starting a program costs about as much as a short row
_EDGES = 64  # of a row, taken at once at most: rows have some tens
_TILE = 2048  # elements that a program gathers at once: 64 registers of each lane of a warp


@jit()
def _sum_rows(
    z: tl.tensor,
    column: tl.tensor,
    begin: tl.tensor,
    end: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    EDGES: tl.constexpr,
) -> tl.tensor:
    """The sum of the rows of z that entries ``begin`` .. ``end`` name (without ``column``: that they are)."""
    lane = tl.arange(0, WIDTH)
    total = tl.zeros((EDGES, WIDTH), dtype=tl.float32)
    for first in range(begin, end, EDGES):
        entry = first + tl.arange(0, EDGES)
        inside = entry < end
        node = entry
        if column is not None:
            node = tl.load(column + entry, mask=inside, other=0)
        # D is a constant: where it is a multiple of 4 (of 8 in bfloat16) a lane reads 16 bytes at once
        place = node.to(tl.int64)[:, None] * D + lane[None, :]
        mask = inside[:, None] & (lane < D)[None, :]
        total += tl.load(z + place, mask=mask, other=0.0).to(tl.float32)
    return tl.sum(total, axis=0)


@jit()
def _unit_noise(key: tl.tensor, layer: tl.tensor, row: tl.tensor, lane: tl.tensor, D: tl.constexpr) -> tl.tensor:
    """``kernels.noise.unit_noise`` of one row; its factor 2^-24 is gone with the length."""
    drawn = uniform_bits(split_key(tl.load(key).to(tl.uint64), layer), row, lane)
    draw = tl.where(lane < D, ((drawn >> 8) | 1).to(tl.float32), 0.0)
    return draw / tl.sqrt(tl.sum(draw * draw, axis=0))


@jit(plain=("layer", "num"))
def _hop(
    z: tl.tensor,
    column: tl.tensor,
    row_start: tl.tensor,
    long_row: tl.tensor,
    left: tl.tensor,
    x: tl.tensor,
    added: tl.tensor,
    running: tl.tensor,
    result: tl.tensor,
    layer_out: tl.tensor,
    next_right: tl.tensor,
    next_z: tl.tensor,
    key: tl.tensor,
    layer: tl.tensor,
    magnitude: tl.tensor,
    x_weight: tl.tensor,
    running_weight: tl.tensor,
    layer_weight: tl.tensor,
    num: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    EDGES: tl.constexpr,
    ROWS: tl.constexpr,
    LONGEST: tl.constexpr,
) -> None:
    """Rows that are not long (or, with ``long_row``, the long ones, whose parts are z), and all that follows.

    A pointer that is None is a term that is absent, or a result not asked for.
    """
    lane = tl.arange(0, WIDTH)
    for offset in range(ROWS):
        index = tl.program_id(0) * ROWS + offset
        active = index < num
        index = tl.where(active, index, 0)
        begin = tl.load(row_start + index)
        end = tl.load(row_start + index + 1)
        row = index
        if long_row is None:
            active = active & (end - begin <= LONGEST)
        else:
            row = tl.load(long_row + index)
        end = tl.where(active, end, begin)
        value = _sum_rows(z, column, begin, end, D, WIDTH, EDGES) * tl.load(left + row)
        place = row.to(tl.int64) * D + lane
        # a block made of numbers: Triton's interpreter cannot spread one truth value over a block
        mask = (lane < D) & (active.to(tl.int32) + lane * 0 != 0)
        if key is not None:
            sign = (value > 0).to(tl.float32) - (value < 0).to(tl.float32)
            value += magnitude * sign * _unit_noise(key, layer, row, lane, D)
        if x is not None:
            value += x_weight * tl.load(x + place, mask=mask, other=0.0)
        if added is not None:
            value += tl.load(added + place, mask=mask, other=0.0)
        if layer_out is not None:
            tl.store(layer_out + place, value, mask=mask)
        if result is not None:
            summed = layer_weight * value
            if running is not None:
                summed += running_weight * tl.load(running + place, mask=mask, other=0.0)
            tl.store(result + place, summed, mask=mask)
        if next_z is not None:
            scaled = value * tl.load(next_right + row)
            tl.store(next_z + place, scaled.to(next_z.dtype.element_ty), mask=mask)


@jit()
def _sum_part(
    z: tl.tensor,
    column: tl.tensor,
    begin: tl.tensor,
    end: tl.tensor,
    parts: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    EDGES: tl.constexpr,
) -> None:
    """One part of a long row."""
    part = tl.program_id(0)
    total = _sum_rows(z, column, tl.load(begin + part), tl.load(end + part), D, WIDTH, EDGES)
    lane = tl.arange(0, WIDTH)
    tl.store(parts + part.to(tl.int64) * D + lane, total, mask=lane < D)


class _LongRows(NamedTuple):
    """The rows longer than ``LONG``: (R,), their parts' first numbers (R + 1,), and the entries of each (P,)."""

    row: Tensor
    first: Tensor
    begin: Tensor
    end: Tensor


_KNOWN = WeakIdKeyDictionary()


def long_rows(row_start: Tensor) -> _LongRows:
    """Made once for a pattern, and kept as long as it: this reads from the device."""
    if row_start not in _KNOWN:
        row = (row_start.diff() > LONG).nonzero().squeeze(1)
        start, stop = row_start[row], row_start[row + 1]
        count = (stop - start + (LONG - 1)) // LONG
        first = torch.zeros(len(row) + 1, dtype=torch.int32, device=row.device)
        torch.cumsum(count, 0, dtype=torch.int32, out=first[1:])
        owner = torch.repeat_interleave(torch.arange(len(row), device=row.device), count)
        begin = start[owner] + (torch.arange(len(owner), device=row.device) - first[owner]).int() * LONG
        _KNOWN[row_start] = _LongRows(row.int(), first, begin, torch.minimum(begin + LONG, stop[owner]))
    known: _LongRows = _KNOWN[row_start]
    return known


@dataclass(frozen=True, eq=False)
class _After:
    """What follows a row's sum P, the hop's A z: all of it in the kernel that has the row at hand.

    ``H = P + noise + x_weight * x + added`` goes to ``layer_out``, ``next_right * H`` to ``next_z``, and
    ``running_weight * running + layer_weight * H`` to ``result``; None: no such term, or not asked for.
    """

    x: Tensor | None = None
    x_weight: float = 0.0
    added: Tensor | None = None
    key: Tensor | None = None
    layer: int = 0
    magnitude: float = 0.0
    layer_out: Tensor | None = None
    result: Tensor | None = None
    layer_weight: float = 0.0
    running: Tensor | None = None
    running_weight: float = 0.0
    next_right: Tensor | None = None
    next_z: Tensor | None = None


def horner(
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    added: Sequence[Tensor | None],
    precision: Precision,
) -> Tensor:
    """See ``kernels.propagate``. Other dtypes than float32 take the plain form."""
    if x.dtype != torch.float32:
        return propagate_torch.horner(adjacencies, x, weights=weights, added=added, precision=precision)
    start = x
    if added[0] is not None:
        start = added[0] if weights[0] == 0 else torch.add(added[0], x, alpha=weights[0])
    z = _start(start, adjacencies[0], 1.0 if added[0] is not None else weights[0], precision)
    result = torch.empty_like(x)
    for index, adjacency in enumerate(adjacencies, start=1):
        last = index == len(adjacencies)
        weight = weights[index]
        after = _After(
            x=x if weight != 0 else None,
            x_weight=weight,
            added=added[index],
            layer_out=result if last else None,
            next_right=None if last else adjacencies[index].right,
            next_z=None if last else torch.empty_like(z),
        )
        z = _run(adjacency, z, after)
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
    """See ``kernels.propagate``. Other dtypes than float32 take the plain form."""
    if x.dtype != torch.float32:
        return propagate_torch.layers(
            adjacencies, x, weights=weights, noise=noise, taps=taps, precision=precision
        )
    z = _start(x, adjacencies[0], 1.0, precision)
    tapped = {tap: torch.empty_like(x) if tap else x.clone() for tap in taps}
    result, running, running_weight = torch.empty_like(x), x, weights[0]
    key = None if noise is None else key_on(x.device, noise.key)
    for index, adjacency in enumerate(adjacencies, start=1):
        last = index == len(adjacencies)
        # The first hop begins the sum even where its own weight is 0.
        sums = index == 1 or weights[index] != 0
        after = _After(
            key=key,
            layer=index,
            magnitude=0.0 if noise is None else noise.magnitude,
            layer_out=tapped.get(index),
            result=result if sums else None,
            layer_weight=weights[index],
            running=running if running_weight != 0 else None,
            running_weight=running_weight,
            next_right=None if last else adjacencies[index].right,
            next_z=None if last else torch.empty_like(z),
        )
        z = _run(adjacency, z, after)
        running, running_weight = result, 1.0
    return (result, *(tapped[tap] for tap in taps))


def _start(x: Tensor, adjacency: Adjacency, weight: float, precision: Precision) -> Tensor:
    """The rows that the first product reads; x is not read where its weight is 0."""
    z = torch.empty_like(x, dtype=torch.bfloat16 if precision == "bfloat16" else x.dtype)
    if weight == 0:
        return z.zero_()
    scale = adjacency.right if weight == 1 else adjacency.right * weight
    return torch.mul(x, scale[:, None], out=z)


def _run(adjacency: Adjacency, z: Tensor, after: _After) -> Tensor:
    """One hop, from z, in up to three launches; the next hop's z, or this one's if none is asked for."""
    width = z.shape[1]
    side = up_to_power_of_2(width)
    sizes = {"D": width, "WIDTH": side, "EDGES": max(1, min(_EDGES, _TILE // side))}
    options = {"num_warps": 1 if side <= 128 else 4, **FUSED}
    with on_device_of(z):
        if adjacency.num_nodes and width:
            _launch(adjacency, z, adjacency.column, adjacency.row_start, None, after, sizes | options)
        long = long_rows(adjacency.row_start)
        if len(long.row) and width:
            parts = torch.empty(len(long.begin), width, device=z.device)
            _sum_part[(len(parts),)](z, adjacency.column, long.begin, long.end, parts, **sizes, **options)
            few = {"EDGES": max(1, min(16, _TILE // side))}  # a hub has a few parts, seldom many
            _launch(adjacency, parts, None, long.first, long.row, after, sizes | options | few)
    return z if after.next_z is None else after.next_z


def _launch(
    adjacency: Adjacency,
    z: Tensor,
    column: Tensor | None,
    row_start: Tensor,
    long_row: Tensor | None,
    after: _After,
    settings: dict[str, Any],
) -> None:
    num = adjacency.num_nodes if long_row is None else len(long_row)
    rows = _ROWS if long_row is None else 1
    _hop[(triton.cdiv(num, rows),)](
        z,
        column,
        row_start,
        long_row,
        adjacency.left,
        after.x,
        after.added,
        after.running,
        after.result,
        after.layer_out,
        after.next_right,
        after.next_z,
        after.key,
        after.layer,
        after.magnitude,
        after.x_weight,
        after.running_weight,
        after.layer_weight,
        num,
        ROWS=rows,
        LONGEST=LONG,
        **settings,
    )
