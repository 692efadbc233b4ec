"""``kernels.thin`` on the GPU: one kernel draws the entries that stay, a prefix sum places them, one writes them.

Work is split by entries, not by rows, so that a hub is no more than its share: the row of an entry is found by a
binary search in ``row_start``, whose first steps a whole block takes together.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from sgl_rec.kernels import thin_torch
from sgl_rec.kernels.hash import threshold
from sgl_rec.kernels.hash_cuda import uniform_bits
from sgl_rec.kernels.triton_jit import jit, key_on, on_device_of

BLOCK = 1024


@jit()
def _row_of(row_start: tl.tensor, entry: tl.tensor, num_rows: tl.tensor, steps: tl.tensor) -> tl.tensor:
    """The last row that begins at or before each entry: ``steps`` halvings of [0, num_rows)."""
    low = entry * 0
    high = low + num_rows
    for _ in range(steps):
        middle = (low + high) >> 1
        before = tl.load(row_start + middle) <= entry
        wide = high - low > 1
        low = tl.where(wide & before, middle, low)
        high = tl.where(wide & (before == 0), middle, high)
    return low


@jit(plain=("bound", "num_rows", "num_entries", "steps"))
def _draw_edges(
    key: tl.tensor,
    row_start: tl.tensor,
    column: tl.tensor,
    keep: tl.tensor,
    bound: tl.tensor,
    num_rows: tl.tensor,
    num_entries: tl.tensor,
    steps: tl.tensor,
    BLOCK: tl.constexpr,
) -> None:
    entry = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = entry < num_entries
    other = tl.load(column + entry, mask=inside, other=0)
    row = _row_of(row_start, entry, num_rows, steps)
    bits = uniform_bits(tl.load(key).to(tl.uint64), tl.minimum(row, other), tl.maximum(row, other))
    stays = bits.to(tl.int64) >= bound
    tl.store(keep + entry, stays.to(tl.int8), mask=inside)


@jit(plain=("num_rows", "num_entries", "steps"))
def _join_ends(
    kept: tl.tensor,
    row_start: tl.tensor,
    column: tl.tensor,
    keep: tl.tensor,
    num_rows: tl.tensor,
    num_entries: tl.tensor,
    steps: tl.tensor,
    BLOCK: tl.constexpr,
) -> None:
    entry = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = entry < num_entries
    other = tl.load(column + entry, mask=inside, other=0)
    row = _row_of(row_start, entry, num_rows, steps)
    stays = tl.load(kept + row) & tl.load(kept + other)
    tl.store(keep + entry, stays.to(tl.int8), mask=inside)


@jit(plain=("bound", "num_nodes"))
def _draw_nodes(
    key: tl.tensor, kept: tl.tensor, bound: tl.tensor, num_nodes: tl.tensor, BLOCK: tl.constexpr
) -> None:
    node = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    bits = uniform_bits(tl.load(key).to(tl.uint64), node, node * 0)
    tl.store(kept + node, (bits.to(tl.int64) >= bound).to(tl.int8), mask=node < num_nodes)


@jit(plain=("num_entries",))
def _write(
    column: tl.tensor,
    keep: tl.tensor,
    kept_before: tl.tensor,
    compacted: tl.tensor,
    num_entries: tl.tensor,
    BLOCK: tl.constexpr,
) -> None:
    entry = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = entry < num_entries
    stays = tl.load(keep + entry, mask=inside, other=0) != 0
    place = tl.load(kept_before + entry, mask=stays, other=0)
    tl.store(compacted + place, tl.load(column + entry, mask=stays, other=0), mask=stays)


def thin_edges(row_start: Tensor, column: Tensor, *, key: int, drop_rate: float) -> tuple[Tensor, Tensor]:
    """See ``kernels.thin.thin_edges``."""
    keep = torch.empty(len(column), dtype=torch.int8, device=column.device)
    if len(column):
        num_rows = len(row_start) - 1
        with on_device_of(column):
            _draw_edges[_grid(len(column))](
                key_on(column.device, key),
                row_start,
                column,
                keep,
                threshold(drop_rate),
                num_rows,
                len(column),
                num_rows.bit_length(),
                BLOCK=BLOCK,
            )
    return _compact(row_start, column, keep)


def thin_nodes(row_start: Tensor, column: Tensor, *, key: int, drop_rate: float) -> tuple[Tensor, Tensor]:
    """See ``kernels.thin.thin_nodes``."""
    num_nodes = len(row_start) - 1
    kept = torch.empty(num_nodes, dtype=torch.int8, device=column.device)
    if num_nodes:
        with on_device_of(column):
            _draw_nodes[_grid(num_nodes)](
                key_on(column.device, key), kept, threshold(drop_rate), num_nodes, BLOCK=BLOCK
            )
    return between(row_start, column, kept=kept.view(torch.bool))


def between(row_start: Tensor, column: Tensor, *, kept: Tensor) -> tuple[Tensor, Tensor]:
    """See ``kernels.thin.between``."""
    keep = torch.empty(len(column), dtype=torch.int8, device=column.device)
    if len(column):
        num_rows = len(row_start) - 1
        with on_device_of(column):
            _join_ends[_grid(len(column))](
                kept.view(torch.int8),
                row_start,
                column,
                keep,
                num_rows,
                len(column),
                num_rows.bit_length(),
                BLOCK=BLOCK,
            )
    return _compact(row_start, column, keep)


walk = thin_torch.walk
"""A walk is a few gathers over its seeds: there is nothing in it for a kernel of its own."""


def _compact(row_start: Tensor, column: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
    """The entries where ``keep`` is 1, in the order they stand. Their number is the one thing read back."""
    kept_before = torch.zeros(len(column) + 1, dtype=torch.int32, device=column.device)
    torch.cumsum(keep, 0, dtype=torch.int32, out=kept_before[1:])
    compacted = torch.empty(int(kept_before[-1]), dtype=column.dtype, device=column.device)
    if len(compacted):
        with on_device_of(column):
            _write[_grid(len(column))](column, keep, kept_before, compacted, len(column), BLOCK=BLOCK)
    return kept_before.index_select(0, row_start), compacted


def _grid(count: int) -> tuple[int]:
    return (triton.cdiv(count, BLOCK),)
