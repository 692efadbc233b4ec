"""LightGCN: a table of embeddings, smoothed over the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from sgl_rec.encoders.nodes import check_graph, draw_start, split_nodes
from sgl_rec.errors import must_be
from sgl_rec.kernels.propagate import propagate
from sgl_rec.types import Embeddings, Graph, Precision


class LightGCN(nn.Module):
    r"""A weighted sum of the layers of a linear graph convolution, with no weight but the embeddings.

    .. math:: Z = \sum_{k=0}^{L} w_k A^k E

    Args:
        num_layers: L >= 0; without layers it is matrix factorisation.
        layer_weights: w_0 .. w_L; by default one uniform weight for each layer that is in.
        include_layer_0: whether the table itself is one of these layers.
        initial: "xavier" (uniform, users and items each by the size of their own table) or "normal".
        initial_std: standard deviation of "normal".
        contrast_layer: l*, for XSimGCL: one pass, over a single view, yields both what is ranked and what is
            contrasted, which is its output and its layer l*.
        precision: what a hop reads of the rows, "float32" or "bfloat16"; sums are float32.
        generator: draws the initial table, on the CPU.

    Raises: UserError for values that do not fit, and when called on a graph of another size, dtype or number
        of layers.

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> encoder = LightGCN(2, 3, embedding_dim=8, generator=torch.Generator().manual_seed(0))
        >>> tuple(encoder(graph).item.shape)
        (3, 8)

    Reference: He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation"
    (SIGIR 2020), eqs. 3, 4 and 8; noise in the layers and the shared pass as in SimGCL (Yu et al., SIGIR 2022)
    and XSimGCL (Yu et al., TKDE 2023). Differences: layers may have adjacencies of their own (SGL's RW), and
    layer 0 can be left out (as SimGCL does).
    """

    def __init__(
        self,
        num_users: int,
        num_items: int,
        *,
        embedding_dim: int = 64,
        num_layers: int = 3,
        layer_weights: Sequence[float] | None = None,
        include_layer_0: bool = True,
        initial: Literal["xavier", "normal"] = "xavier",
        initial_std: float = 0.1,
        contrast_layer: int | None = None,
        precision: Precision = "float32",
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.num_users, self.num_items, self.num_layers = num_users, num_items, num_layers
        if num_layers < 0:
            raise must_be("LightGCN", "num_layers", "at least 0", num_layers)
        if embedding_dim < 1:
            raise must_be("LightGCN", "embedding_dim", "at least 1", embedding_dim)
        if contrast_layer is not None and not 0 <= contrast_layer <= num_layers:
            raise must_be("LightGCN", "contrast_layer", f"in 0 .. {num_layers}", contrast_layer)
        self.layer_weights = _weights(num_layers, layer_weights, include_layer_0)
        self.contrast_layer, self.precision = contrast_layer, precision
        self.nodes = nn.Parameter(torch.empty(num_users + num_items, embedding_dim))
        tables = torch.split_with_sizes(self.nodes, [num_users, num_items])
        draw_start("LightGCN", tables, initial=initial, std=initial_std, generator=generator)

    def forward(self, graph: Graph) -> Embeddings:
        """The embeddings of all users and items on ``graph``. Raises: UserError when it does not fit."""
        return self._propagate(graph, taps=())[0]

    def passes(self, graph: Graph, views: tuple[Graph, ...]) -> tuple[Embeddings, tuple[Embeddings, ...]] | None:
        """With ``contrast_layer``, what a step ranks with and what it contrasts: see ``training.learner.passes``.

        Raises: UserError unless there is exactly one view.
        """
        if self.contrast_layer is None:
            return None
        if len(views) != 1:
            raise must_be(
                "LightGCN", "number of views with contrast_layer", "1", len(views), "set views.num_views"
            )
        output, layer = self._propagate(views[0], taps=(self.contrast_layer,))
        return output, (output, layer)

    def _propagate(self, graph: Graph, *, taps: tuple[int, ...]) -> list[Embeddings]:
        size, dtype = (self.num_users, self.num_items), self.nodes.dtype
        check_graph("LightGCN", graph, size=size, num_layers=self.num_layers, dtype=dtype)
        adjacencies = [graph.layer(index) for index in range(self.num_layers)]
        smoothed = propagate(
            adjacencies,
            self.nodes,
            weights=self.layer_weights,
            noise=graph.noise,
            taps=taps,
            precision=self.precision,
        )
        tables = smoothed if isinstance(smoothed, tuple) else (smoothed,)
        return [split_nodes(table, num_users=self.num_users) for table in tables]

    def initial(self) -> Embeddings:
        """The layer-0 table, with gradients to it."""
        return split_nodes(self.nodes, num_users=self.num_users)


def _weights(num_layers: int, layer_weights: Sequence[float] | None, include_layer_0: bool) -> tuple[float, ...]:
    if layer_weights is None:
        if include_layer_0:
            return (1 / (num_layers + 1),) * (num_layers + 1)
        if num_layers == 0:
            raise must_be("LightGCN", "num_layers", "at least 1 without layer 0", num_layers)
        return (0.0,) + (1 / num_layers,) * num_layers
    if len(layer_weights) != num_layers + 1:
        raise must_be("LightGCN", "layer_weights", f"{num_layers + 1} numbers", len(layer_weights))
    if not include_layer_0 and layer_weights[0] != 0:
        raise must_be("LightGCN", "layer_weights[0]", "0 without layer 0", layer_weights[0])
    return tuple(layer_weights)
