"""Thinning in plain PyTorch: the definition, on any device."""

from __future__ import annotations

from typing import TypeAlias

import torch
from jaxtyping import Bool, Int32, Int64
from torch import Tensor

from sgl_rec.kernels.hash import below, split_key, threshold, uniform_bits

Pattern: TypeAlias = tuple[Tensor, Tensor]


def thin_edges(row_start: Tensor, column: Tensor, *, key: int, drop_rate: float) -> Pattern:
    row, other = _rows(row_start), column.long()
    bits = uniform_bits(key, torch.minimum(row, other), torch.maximum(row, other))
    return _compact(row_start, column, bits >= threshold(drop_rate))


def thin_nodes(row_start: Tensor, column: Tensor, *, key: int, drop_rate: float) -> Pattern:
    nodes = torch.arange(len(row_start) - 1, device=column.device)
    return between(row_start, column, kept=uniform_bits(key, nodes) >= threshold(drop_rate))


def between(row_start: Tensor, column: Tensor, *, kept: Tensor) -> Pattern:
    at_row = torch.repeat_interleave(kept, row_start.diff())
    return _compact(row_start, column, at_row & kept.index_select(0, column))


def walk(
    row_start: Tensor, column: Tensor, *, key: int, num_seeds: int, walk_length: int, restart: float
) -> Bool[Tensor, " N"]:
    degree = row_start.diff().long()
    start = row_start.long()
    candidates = degree.nonzero().squeeze(1)
    order = uniform_bits(split_key(key, 0), candidates).argsort(stable=True)
    seeds = candidates[order[:num_seeds]]
    visited = torch.zeros_like(degree, dtype=torch.bool).index_fill_(0, seeds, True)
    here = seeds
    for step in range(walk_length):
        choice = below(uniform_bits(split_key(key, 1), seeds, step), degree[here])
        along = column[start[here] + choice].long()
        back = uniform_bits(split_key(key, 2), seeds, step) < threshold(restart)
        here = torch.where(back, seeds, along)
        visited.index_fill_(0, here, True)
    return visited


def _rows(row_start: Int32[Tensor, " N1"]) -> Int64[Tensor, " E2"]:
    nodes = torch.arange(len(row_start) - 1, device=row_start.device)
    return torch.repeat_interleave(nodes, row_start.diff())


def _compact(row_start: Tensor, column: Tensor, keep: Tensor) -> Pattern:
    """The entries where ``keep`` is true, in the order they stand."""
    kept_before = torch.zeros(len(column) + 1, dtype=torch.int32, device=column.device)
    torch.cumsum(keep, 0, dtype=torch.int32, out=kept_before[1:])
    return kept_before[row_start], column[keep]
