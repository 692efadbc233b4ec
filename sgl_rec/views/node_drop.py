"""SGL's node dropout (ND)."""

from __future__ import annotations

import torch

from sgl_rec.kernels.thin import thin_nodes
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.thinning import check_rate, map_layers


def node_drop(graph: Graph, *, drop_rate: float, generator: torch.Generator) -> Graph:
    r"""Take all edges, with probability ``drop_rate`` each on its own, from users and items; normalise again.

    .. math:: s(\mathcal G) = (M \odot \mathcal V,\; \mathcal E),\quad M_v \sim \mathrm{Bernoulli}(1 - \rho)

    A dropped node stays in the tables: it is isolated, and an encoder gives it its own layer 0 alone. An
    interaction survives when both its ends do, so that :math:`(1 - \rho)^2` of them are left on average.

    Args:
        drop_rate: :math:`\rho` in [0, 1).

    Raises: UserError for a rate outside [0, 1).

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> node_drop(graph, drop_rate=0.0, generator=torch.Generator()).num_edges
        2

    Reference: Wu et al., "Self-supervised Graph Learning for Recommendation" (SIGIR 2021), section 3.1, node
    dropout. Difference: SGL's code drops an exact count of users and one of items, here the draws are
    independent.
    """
    check_rate("node_drop", "drop_rate", drop_rate)
    key = draw_key(generator)
    return map_layers(
        graph, lambda layer: thin_nodes(layer.row_start, layer.column, key=key, drop_rate=drop_rate)
    )
