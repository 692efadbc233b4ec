"""GIN: sums over neighbours and an MLP in every layer, each layer summed over a graph's nodes."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.encoders.nodes import MOST_LAYERS
from sgl_rec.errors import must_be
from sgl_rec.rng import scope


class GIN(nn.Module):
    r"""A vector for each graph of a batch: what its nodes look like after 1, 2, ... L hops, summed and joined.

    .. math:: h^{(l)}_v = \mathrm{BN}_l\Big(\max\big(0, \mathrm{MLP}_l\big(h^{(l-1)}_v +
              \sum_{u \to v} h^{(l-1)}_u\big)\big)\Big),\quad
              z_G = \Big\Vert_{l=1}^{L} \sum_{v \in G} h^{(l)}_v

    with two linear layers and a ReLU between them in each MLP. While training, the normalisation is over the
    nodes of the batch; in ``eval()`` it is that of the running mean and variance.

    Args:
        num_features: width of the node features.
        hidden_dim: width of a layer; a graph's vector has ``num_layers * hidden_dim`` numbers.
        num_layers: L, 1 to 64.
        generator: draws the weights (Xavier, uniform; biases are 0), on the CPU.

    Raises: UserError for sizes out of range, and when called on a batch whose features do not fit, or, while
        training, on a batch of fewer than two nodes.

    Example:
        >>> from torch_geometric.data import Batch, Data
        >>> path = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> encoder = GIN(3, hidden_dim=8, num_layers=2, generator=torch.Generator().manual_seed(0))
        >>> encoder(Batch.from_data_list([path, path])).shape
        torch.Size([2, 16])

    Reference: Xu et al., "How Powerful are Graph Neural Networks?" (ICLR 2019), eq. 4.1 with epsilon 0; sums of
    all layers joined as in eq. 4.2 without layer 0; order of the steps, sizes and start are those of GraphCL's
    code (You et al., NeurIPS 2020). Difference: that code adds a loop to all nodes but the last of each graph.
    """

    def __init__(
        self, num_features: int, *, hidden_dim: int = 32, num_layers: int = 3, generator: torch.Generator
    ) -> None:
        super().__init__()
        if not 1 <= num_layers <= MOST_LAYERS:
            raise must_be("GIN", "num_layers", f"in 1 .. {MOST_LAYERS}", num_layers)
        if hidden_dim < 1:
            raise must_be("GIN", "hidden_dim", "at least 1", hidden_dim)
        if num_features < 1:
            raise must_be("GIN", "num_features", "at least 1", num_features, "give every node features")
        self.num_features, self.hidden_dim, self.num_layers = num_features, hidden_dim, num_layers
        with scope(generator):  # layers draw a start of their own from the global generator as they are made
            self.layers = nn.ModuleList(
                _convolution(hidden_dim if index else num_features, hidden_dim) for index in range(num_layers)
            )
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden_dim) for _ in range(num_layers))

    @property
    def embedding_dim(self) -> int:
        """Width of a graph's vector."""
        return self.num_layers * self.hidden_dim

    def forward(self, batch: Any) -> Float[Tensor, "B D"]:
        """The vectors of the graphs of a ``torch_geometric.data.Batch``; a graph without nodes has zeros."""
        self._check(batch)
        layer: Tensor = batch.x
        sums = []
        for convolve, norm in zip(self.layers, self.norms, strict=True):
            layer = norm(convolve(layer, batch.edge_index).relu())
            sums.append(layer.new_zeros(batch.num_graphs, self.hidden_dim).index_add(0, batch.batch, layer))
        return torch.cat(sums, dim=1)

    def _check(self, batch: Any) -> None:
        x, dtype = batch.x, self.norms[0].weight.dtype
        rule = f"{dtype} of width {self.num_features}"
        if not isinstance(x, Tensor) or x.shape[1:] != (self.num_features,) or x.dtype != dtype:
            got = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else x
            raise must_be("GIN", "x of the batch", rule, got)
        if self.training and len(x) < 2:
            advice = "use larger batches, or eval()"
            raise must_be("GIN", "nodes of a batch in training", "at least 2", len(x), advice)


def _convolution(width_in: int, width_out: int) -> nn.Module:
    from torch_geometric.nn import GINConv

    linear = [nn.Linear(width_in, width_out), nn.Linear(width_out, width_out)]
    convolution: nn.Module = GINConv(nn.Sequential(linear[0], nn.ReLU(), linear[1]))
    for layer in linear:  # after the convolution, which draws its parts anew
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return convolution
