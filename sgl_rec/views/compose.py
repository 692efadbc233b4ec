"""Views one after the other."""

from __future__ import annotations

import torch

from sgl_rec.types import Graph, View


def compose(*views: View) -> View:
    r"""The view that applies ``views`` from left to right, all drawing from the one generator in turn.

    .. math:: s = s_n \circ \dots \circ s_2 \circ s_1

    Without views it is the identity.

    Example:
        >>> from functools import partial
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> from sgl_rec.views.edge_drop import edge_drop
        >>> from sgl_rec.views.node_drop import node_drop
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> both = compose(partial(edge_drop, drop_rate=0.0), partial(node_drop, drop_rate=0.0))
        >>> both(graph, generator=torch.Generator()).num_edges
        2
    """

    def composed(graph: Graph, *, generator: torch.Generator) -> Graph:
        for view in views:
            graph = view(graph, generator=generator)
        return graph

    return composed
