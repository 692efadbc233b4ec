"""GraphCL's subgraph: what random walks visit."""

from __future__ import annotations

import torch

from sgl_rec.errors import must_be
from sgl_rec.kernels.thin import between, walk
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.thinning import check_rate, map_layers


def walk_subgraph(
    graph: Graph, *, num_seeds: int, walk_length: int, restart: float, generator: torch.Generator
) -> Graph:
    r"""Keep the edges between the nodes that random walks visit, and normalise again.

    .. math:: s(\mathcal G) = (\mathcal V,\; \{(u, i) \in \mathcal E : u, i \in \mathcal W\})

    Seeds are distinct and uniform over the users and items that have edges; from each goes one simple random
    walk, and :math:`\mathcal W` is all that any of them visits, the seeds included. Other nodes stay in the
    tables, isolated. In a graph with one adjacency per layer the walks go over the first, and every layer keeps
    its own edges between the visited nodes.

    Args:
        num_seeds: at least 1; where fewer nodes have edges, all of these are seeds.
        walk_length: moves of a walk, at least 1.
        restart: probability in [0, 1) that a move is a jump back to the walk's seed.

    Raises: UserError for a value out of these ranges.

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> one = torch.Generator()
        >>> walk_subgraph(graph, num_seeds=1, walk_length=1, restart=0.0, generator=one).num_edges
        1

    Reference: You et al., "Graph Contrastive Learning with Augmentations" (NeurIPS 2020), table 1, subgraph.
    Differences: GraphCL's code grows one set from one seed until it holds a share of the nodes; here many walks
    of a fixed length start at once, which covers a graph of users and items and is drawn in parallel.
    """
    if num_seeds < 1:
        raise must_be("walk_subgraph", "num_seeds", "at least 1", num_seeds)
    if walk_length < 1:
        raise must_be("walk_subgraph", "walk_length", "at least 1", walk_length)
    check_rate("walk_subgraph", "restart", restart)
    first = graph.layers[0]
    visited = walk(
        first.row_start,
        first.column,
        key=draw_key(generator),
        num_seeds=num_seeds,
        walk_length=walk_length,
        restart=restart,
    )
    return map_layers(graph, lambda layer: between(layer.row_start, layer.column, kept=visited))
