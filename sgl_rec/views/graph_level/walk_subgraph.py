"""GraphCL's subgraph: what a random walk visits."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.hash import below, split_key, uniform_bits
from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.selecting import check_batch, induced
from sgl_rec.views.thinning import check_rate


def walk_subgraph(
    batch: Any, *, keep_rate: float = 0.2, moves_per_node: float = 1.0, generator: torch.Generator
) -> Any:
    r"""Keep of every graph the nodes that a random walk visits, and the edges between them.

    .. math:: s(\mathcal V, \mathcal E) = (\mathcal W, \mathcal E \cap \mathcal W^2),\quad
              |\mathcal W| \le 1 + \lfloor \kappa |\mathcal V| \rfloor

    The walk begins at a uniform node and goes along edges, each as likely as another, until it has seen enough
    nodes or made its moves; a node without edges ends it. All graphs are walked at once.

    Args:
        batch: a ``torch_geometric.data.Batch``.
        keep_rate: :math:`\kappa` in [0, 1), the share of the nodes that are visited beside the first.
        moves_per_node: finite and >= 0; a walk has at most this many times as many moves as its graph has nodes.

    Returns: a batch of as many graphs; what is kept stays in its order.

    Raises: UserError for values out of these ranges, and for what is no batch.

    Example:
        >>> from torch_geometric.data import Batch, Data
        >>> path = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> view = walk_subgraph(Batch.from_data_list([path, path]), keep_rate=0.4, generator=torch.Generator())
        >>> view.ptr.tolist(), view.num_edges
        ([0, 2, 4], 4)

    Reference: You et al. (NeurIPS 2020), table 1, subgraph; number of nodes and moves are those of its code.
    Difference: that code draws all nodes from the neighbours of the first, here each is one of the last.
    """
    check_rate("walk_subgraph", "keep_rate", keep_rate)
    if not 0 <= moves_per_node < float("inf"):
        raise must_be("walk_subgraph", "moves_per_node", "finite and at least 0", moves_per_node)
    check_batch("walk_subgraph", batch)
    key = draw_key(generator)
    return induced(batch, _visited(batch, keep_rate=keep_rate, moves_per_node=moves_per_node, key=key))


def _visited(batch: Any, *, keep_rate: float, moves_per_node: float, key: int) -> Bool[Tensor, " N"]:
    source, target = batch.edge_index
    column = target[source.argsort(stable=True)]
    degree = torch.bincount(source, minlength=batch.num_nodes)
    start = degree.cumsum(0) - degree
    size = batch.ptr.diff()
    graph = (size > 0).nonzero().squeeze(1)
    size = size[graph]
    here = batch.ptr[graph] + below(uniform_bits(split_key(key, 0), graph), size)
    visited = torch.zeros_like(degree, dtype=torch.bool).index_fill_(0, here, True)
    missing = (size.double() * keep_rate).long()
    moves = (size.double() * moves_per_node).long()
    step = 0
    while True:
        walks = (missing > 0) & (moves > step) & (degree[here] > 0)
        graph, here, missing, moves = graph[walks], here[walks], missing[walks], moves[walks]
        if not len(graph):
            return visited
        choice = below(uniform_bits(split_key(key, 1), graph, step), degree[here])
        here = column[start[here] + choice]
        missing = missing - (~visited[here]).long()
        visited.index_fill_(0, here, True)
        step += 1
