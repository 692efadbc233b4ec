"""Interactions -> Graph. The joint node index (users first, then items) is made here and nowhere else."""

from __future__ import annotations

import numpy as np
import torch

from sgl_rec.errors import must_be
from sgl_rec.graph.normalise import normalised
from sgl_rec.types import Graph, Interactions

_MAX_EDGES = 2**30  # each stands in the CSR twice, and its indices are int32


def build_graph(
    interactions: Interactions,
    *,
    exponents: tuple[float, float] = (0.5, 0.5),
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Graph:
    r"""The normalised bipartite graph of E distinct interactions.

    .. math:: A = D^{-\alpha} \begin{pmatrix} 0 & R \\ R^\top & 0 \end{pmatrix} D^{-\beta}

    Args:
        interactions: distinct (user, item) pairs, in any order. Users and items without any stay in the graph.
        exponents: :math:`(\alpha, \beta)`; (0.5, 0.5) is the symmetric normalisation.

    Raises: UserError when a pair stands twice, or there are 2^30 pairs or more.

    Example:
        >>> pairs = Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3)
        >>> graph = build_graph(pairs)
        >>> graph.layers[0].row_start.tolist(), graph.layers[0].column.tolist()
        ([0, 1, 2, 3, 3, 4], [4, 2, 1, 0])

    Reference: He et al., "LightGCN" (SIGIR 2020), eqs. 6 and 7.
    """
    if len(interactions) >= _MAX_EDGES:
        raise must_be("build_graph", "the number of interactions", f"below {_MAX_EDGES}", len(interactions))
    num_users, num_items, edges = interactions.num_users, interactions.num_items, len(interactions)
    row_start = np.zeros(num_users + num_items + 1, np.int32)
    np.cumsum(interactions.user_degree(), out=row_start[1 : num_users + 1])
    np.cumsum(interactions.item_degree(), out=row_start[num_users + 1 :])
    row_start[num_users + 1 :] += edges
    column = np.empty(2 * edges, np.int32)
    _write_rows(interactions.user, interactions.item, num_items, column[:edges])
    column[:edges] += num_users
    _write_rows(interactions.item, interactions.user, num_users, column[edges:])
    adjacency = normalised(
        torch.from_numpy(row_start).to(device),
        torch.from_numpy(column).to(device),
        exponents=exponents,
        dtype=dtype,
    )
    return Graph(num_users, num_items, (adjacency,), exponents)


def _write_rows(major: np.ndarray, minor: np.ndarray, num_minor: int, out: np.ndarray) -> None:
    """The minor indices, ascending within each major one, into ``out``; holds an int64 a pair meanwhile."""
    # Both in one word, at a power of two: taken apart by a mask, where a remainder would cost more than the sort.
    shift = num_minor.bit_length()
    keys = np.left_shift(major, shift, dtype=np.int64)
    keys |= minor
    keys.sort()
    repeated = keys[1:] == keys[:-1]
    if repeated.any():
        pair = divmod(int(keys[1:][repeated][0]), 1 << shift)
        raise must_be("build_graph", "interactions", "distinct pairs", f"{pair} twice", "drop the repeated pairs")
    keys &= (1 << shift) - 1
    out[:] = keys
