"""Random thinning of a symmetric CSR pattern, drawn where it lies and compacted at once.

Every function takes and gives int32 ``row_start`` (N + 1) and ``column``, columns ascending within a row. An
undirected edge stands in the pattern twice; both entries see the same draw, because the hash counts by
(smaller node, larger node).
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from jaxtyping import Bool, Int32, Int64
from torch import Tensor

from sgl_rec.kernels.backend import choose
from sgl_rec.kernels.hash import below, split_key, threshold, uniform_bits

Pattern: TypeAlias = tuple[Int32[Tensor, " N1"], Int32[Tensor, " E2"]]


def thin_edges(
    row_start: Int32[Tensor, " N1"],
    column: Int32[Tensor, " E2"],
    *,
    key: int,
    drop_rate: float,
    backend: str = "auto",
) -> Pattern:
    """Drop each undirected edge on its own with probability ``drop_rate``.

    Example:
        >>> path = torch.tensor([0, 1, 3, 4]).int(), torch.tensor([1, 0, 2, 1]).int()
        >>> [part.tolist() for part in thin_edges(*path, key=1, drop_rate=0.0)]
        [[0, 1, 3, 4], [1, 0, 2, 1]]
    """
    choose(backend, column.device)
    row, other = _rows(row_start), column.long()
    bits = uniform_bits(key, torch.minimum(row, other), torch.maximum(row, other))
    return _compact(row_start, column, bits >= threshold(drop_rate))


def thin_nodes(
    row_start: Int32[Tensor, " N1"],
    column: Int32[Tensor, " E2"],
    *,
    key: int,
    drop_rate: float,
    backend: str = "auto",
) -> Pattern:
    """Take all edges, on its own with probability ``drop_rate``, from each node.

    Example:
        >>> path = torch.tensor([0, 1, 3, 4]).int(), torch.tensor([1, 0, 2, 1]).int()
        >>> [part.tolist() for part in thin_nodes(*path, key=1, drop_rate=0.0)]
        [[0, 1, 3, 4], [1, 0, 2, 1]]
    """
    choose(backend, column.device)
    nodes = torch.arange(len(row_start) - 1, device=column.device)
    return between(row_start, column, kept=uniform_bits(key, nodes) >= threshold(drop_rate))


def between(
    row_start: Int32[Tensor, " N1"], column: Int32[Tensor, " E2"], *, kept: Bool[Tensor, " N"]
) -> Pattern:
    """The edges both of whose ends are ``kept``.

    Example:
        >>> path = torch.tensor([0, 1, 3, 4]).int(), torch.tensor([1, 0, 2, 1]).int()
        >>> [part.tolist() for part in between(*path, kept=torch.tensor([True, True, False]))]
        [[0, 1, 2, 2], [1, 0]]
    """
    at_row = torch.repeat_interleave(kept, row_start.diff())
    return _compact(row_start, column, at_row & kept.index_select(0, column))


def walk(
    row_start: Int32[Tensor, " N1"],
    column: Int32[Tensor, " E2"],
    *,
    key: int,
    num_seeds: int,
    walk_length: int,
    restart: float,
    backend: str = "auto",
) -> Bool[Tensor, " N"]:
    """The nodes that simple random walks visit.

    Seeds are ``num_seeds`` distinct nodes, uniform over those that have edges (all of these where they are
    fewer). Each starts one walk of ``walk_length`` moves; a move is a jump back to the walk's own seed with
    probability ``restart``, else a step along a uniform edge.

    Example:
        >>> path = torch.tensor([0, 1, 3, 4, 4]).int(), torch.tensor([1, 0, 2, 1]).int()
        >>> walk(*path, key=1, num_seeds=9, walk_length=1, restart=0.0).tolist()
        [True, True, True, False]
    """
    choose(backend, column.device)
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
