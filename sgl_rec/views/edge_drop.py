"""SGL's edge dropout (ED)."""

from __future__ import annotations

import torch

from sgl_rec.kernels.thin import thin_edges
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.thinning import check_rate, map_layers


def edge_drop(graph: Graph, *, drop_rate: float, generator: torch.Generator) -> Graph:
    r"""Drop each interaction on its own with probability ``drop_rate``, and normalise again.

    .. math:: s(\mathcal G) = (\mathcal V,\; M \odot \mathcal E),\quad M_e \sim \mathrm{Bernoulli}(1 - \rho)

    In a graph with one adjacency per layer an interaction is dropped from all layers or from none.

    Args:
        drop_rate: :math:`\rho` in [0, 1).

    Raises: UserError for a rate outside [0, 1).

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> edge_drop(graph, drop_rate=0.0, generator=torch.Generator()).num_edges
        2

    Reference: Wu et al., "Self-supervised Graph Learning for Recommendation" (SIGIR 2021), section 3.1, edge
    dropout. Difference: SGL's code keeps an exact count, int(E (1 - drop_rate)), here the draws are independent.
    """
    check_rate("edge_drop", "drop_rate", drop_rate)
    key = draw_key(generator)
    return map_layers(
        graph, lambda layer: thin_edges(layer.row_start, layer.column, key=key, drop_rate=drop_rate)
    )
