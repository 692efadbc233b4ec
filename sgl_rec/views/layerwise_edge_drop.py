"""Another edge dropout for each layer: what SGL publishes as random walk (RW)."""

from __future__ import annotations

from dataclasses import replace

import torch

from sgl_rec.errors import must_be
from sgl_rec.kernels.hash import split_key
from sgl_rec.kernels.thin import thin_edges
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.thinning import check_rate, thinned


def layerwise_edge_drop(graph: Graph, *, drop_rate: float, num_layers: int, generator: torch.Generator) -> Graph:
    r"""Drop each interaction on its own with probability ``drop_rate``, anew for each layer.

    .. math:: s^{(k)}(\mathcal G) = (\mathcal V,\; M^{(k)} \odot \mathcal E),\quad
              M^{(k)}_e \sim \mathrm{Bernoulli}(1 - \rho)

    Args:
        drop_rate: :math:`\rho` in [0, 1).
        num_layers: adjacencies of the result, as many as the encoder has hops.

    Raises: UserError for a rate outside [0, 1), for fewer than one layer, and for a graph that already has one
        adjacency per layer but another number of them.

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> len(layerwise_edge_drop(graph, drop_rate=0.5, num_layers=3, generator=torch.Generator()).layers)
        3

    Reference: Wu et al., "Self-supervised Graph Learning for Recommendation" (SIGIR 2021), section 3.1, random
    walk. Difference: SGL's code keeps an exact count in each layer, here the draws are independent.
    """
    check_rate("layerwise_edge_drop", "drop_rate", drop_rate)
    if num_layers < 1:
        raise must_be("layerwise_edge_drop", "num_layers", "at least 1", num_layers)
    if len(graph.layers) not in (1, num_layers):
        raise must_be(
            "layerwise_edge_drop",
            "num_layers",
            f"{len(graph.layers)}, the layers of the graph",
            num_layers,
            "give every view of a composition the same num_layers",
        )
    key = draw_key(generator)
    layers = []
    for index in range(num_layers):
        layer = graph.layer(index)
        pattern = thin_edges(layer.row_start, layer.column, key=split_key(key, index), drop_rate=drop_rate)
        layers.append(thinned(graph, layer, pattern))
    return replace(graph, layers=tuple(layers))
