"""EGCF: items alone have embeddings, users are what their items make of them."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from sgl_rec.encoders.nodes import check_graph, check_sizes, draw_start, hop_on, split_nodes
from sgl_rec.errors import must_be
from sgl_rec.types import Embeddings, Graph, Precision

Mode = Literal["parallel", "alternating"]


class EGCF(nn.Module):
    r"""A graph convolution with a tanh in every layer and no table of users; the output is the sum of its layers.

    .. math:: H_k = \tanh(A H_{k-1}),\quad Z = \sum_k H_k

    with H_0 the users' and items' rows (0, E) in turn:

    - ``alternating`` starts from them. Users and items are taken in turns, users from E, items from those users,
      for L rounds, 2L hops: :math:`Z = \sum_{k=1}^{2L} H_k`, in which half of each layer is zero.
    - ``parallel`` has its users from the first hop beside the items as they are,
      :math:`H_1 = (\tanh(A H_0)_{users}, E)`, and then L hops for both: :math:`Z = \sum_{k=2}^{L+1} H_k`.

    Args:
        num_layers: L, 1 to 64.
        mode: "parallel" or "alternating".
        initial: "xavier" (uniform, by the size of the items' table) or "normal".
        initial_std: standard deviation of "normal".
        precision: what a hop reads of the rows, "float32" or "bfloat16"; sums are float32.
        generator: draws the items' table, on the CPU.

    Raises: UserError for values that do not fit, and when called on a graph of another size, dtype or more layers
        than one.

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> encoder = EGCF(2, 3, embedding_dim=8, generator=torch.Generator().manual_seed(0))
        >>> tuple(encoder(graph).user.shape), int(encoder.initial().user.count_nonzero())
        ((2, 8), 0)

    Reference: Zhang, Sang and Zhang, "Simplify to the Limit! Embedding-less Graph Collaborative Filtering for
    Recommender Systems" (TOIS 2024), sections 4.1 and 4.2, and its code. Difference: a normal start is possible.
    """

    def __init__(
        self,
        num_users: int,
        num_items: int,
        *,
        embedding_dim: int = 64,
        num_layers: int = 3,
        mode: Mode = "parallel",
        initial: Literal["xavier", "normal"] = "xavier",
        initial_std: float = 0.1,
        precision: Precision = "float32",
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.num_users, self.num_items, self.num_layers = num_users, num_items, num_layers
        check_sizes("EGCF", num_layers=num_layers, embedding_dim=embedding_dim)
        if mode not in get_args(Mode):
            raise must_be("EGCF", "mode", f"one of {', '.join(get_args(Mode))}", repr(mode))
        self.mode, self.precision = mode, precision
        self.items = nn.Parameter(torch.empty(num_items, embedding_dim))
        draw_start("EGCF", [self.items], initial=initial, std=initial_std, generator=generator)

    def forward(self, graph: Graph) -> Embeddings:
        """The embeddings of all users and items on ``graph``. Raises: UserError when it does not fit."""
        size, dtype = (self.num_users, self.num_items), self.items.dtype
        check_graph("EGCF", graph, size=size, num_layers=1, dtype=dtype)
        initial = self.initial()
        layer = torch.cat([initial.user, initial.item])
        first, last = 0, 2 * self.num_layers
        if self.mode == "parallel":
            users = split_nodes(self._layer(graph, 0, layer), num_users=self.num_users).user
            layer, first, last = torch.cat([users, self.items]), 1, self.num_layers + 1
        layers = []
        for index in range(first, last):
            layer = self._layer(graph, index, layer)
            layers.append(layer)
        return split_nodes(_sum(layers), num_users=self.num_users)

    def initial(self) -> Embeddings:
        """The items' table, with gradients to it; users have none, which are zeros."""
        return Embeddings(self.items.new_zeros(self.num_users, self.items.shape[1]), self.items)

    def _layer(self, graph: Graph, index: int, layer: Tensor) -> Tensor:
        return hop_on(graph, index, layer, precision=self.precision).tanh()


def _sum(layers: list[Tensor]) -> Tensor:
    total = layers[0]
    for layer in layers[1:]:
        total = total + layer
    return total
