"""Random thinning of a symmetric CSR pattern, drawn where it lies and compacted at once.

Every function takes and gives int32 ``row_start`` (N + 1) and ``column``, columns ascending within a row. An
undirected edge stands in the pattern twice; both entries see the same draw, because the hash counts by
(smaller node, larger node).
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TypeAlias

import torch
from jaxtyping import Bool, Int32
from torch import Tensor

from sgl_rec.kernels.backend import choose

BACKENDS = ("cpu", "cuda", "torch")

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
    kernel = _kernel(backend, column.device)
    result: Pattern = kernel.thin_edges(row_start, column, key=key, drop_rate=drop_rate)
    return result


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
    kernel = _kernel(backend, column.device)
    result: Pattern = kernel.thin_nodes(row_start, column, key=key, drop_rate=drop_rate)
    return result


def between(
    row_start: Int32[Tensor, " N1"],
    column: Int32[Tensor, " E2"],
    *,
    kept: Bool[Tensor, " N"],
    backend: str = "auto",
) -> Pattern:
    """The edges both of whose ends are ``kept``.

    Example:
        >>> path = torch.tensor([0, 1, 3, 4]).int(), torch.tensor([1, 0, 2, 1]).int()
        >>> [part.tolist() for part in between(*path, kept=torch.tensor([True, True, False]))]
        [[0, 1, 2, 2], [1, 0]]
    """
    result: Pattern = _kernel(backend, column.device).between(row_start, column, kept=kept)
    return result


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
    visited: Tensor = _kernel(backend, column.device).walk(
        row_start, column, key=key, num_seeds=num_seeds, walk_length=walk_length, restart=restart
    )
    return visited


def _kernel(backend: str, device: torch.device) -> ModuleType:
    return importlib.import_module(f"sgl_rec.kernels.thin_{choose(backend, device, having=BACKENDS)}")
