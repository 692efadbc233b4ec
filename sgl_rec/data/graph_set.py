"""Many small graphs as a few tensors, and batches of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float32, Int64
from torch import Tensor


@dataclass(frozen=True, eq=False)
class GraphSet:
    """G graphs over N nodes and E directed edges in all; an undirected edge stands in both directions.

    Args:
        x: node features.
        edge_index: nodes are numbered through all graphs; the edges of a graph stand together, graphs ascending.
        node_start: the nodes of graph g are ``node_start[g] .. node_start[g + 1] - 1``.
        label: class of each graph, 0 .. C - 1, or None.
        classes: what the file calls each class.
        node_labels: of every column of node labels those that are known, in the order of their features.
        most_degree: where features are degrees, the last of them.
    """

    name: str
    x: Float32[Tensor, "N F"]
    edge_index: Int64[Tensor, "2 E"]
    node_start: Int64[Tensor, " G1"]
    label: Int64[Tensor, " G"] | None = None
    classes: tuple[int, ...] = ()
    node_labels: tuple[tuple[int, ...], ...] = ()
    most_degree: int | None = None

    def __len__(self) -> int:
        return len(self.node_start) - 1

    @property
    def num_features(self) -> int:
        return self.x.shape[1]

    @cached_property
    def edge_start(self) -> Int64[Tensor, " G1"]:
        """The same for the edges."""
        # Sources need not ascend within a graph: where a graph begins is all that is searched for.
        return torch.searchsorted(self.edge_index[0].contiguous(), self.node_start)

    def batch(self, graphs: Int64[Tensor, " B"]) -> Any:
        """The graphs of these numbers, repeats allowed, as one ``torch_geometric.data.Batch``.

        The same tensors as ``Batch.from_data_list`` makes, gathered at once: ``x``, ``edge_index``, ``batch``,
        ``ptr``, and ``y`` where there are labels.

        Example:
            >>> chain = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
            >>> two = GraphSet("pairs", torch.eye(4), chain, torch.tensor([0, 2, 4]))
            >>> two.batch(torch.tensor([1])).edge_index.tolist()
            [[0, 1], [1, 0]]
        """
        from torch_geometric.data import Batch

        graph_of_node, node = _members(self.node_start, graphs)
        graph_of_edge, edge = _members(self.edge_start, graphs)
        sizes = self.node_start[graphs + 1] - self.node_start[graphs]
        ptr = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
        shift = ptr[:-1] - self.node_start[graphs]
        batch = Batch(
            x=self.x[node],
            edge_index=self.edge_index[:, edge] + shift[graph_of_edge],
            batch=graph_of_node,
            ptr=ptr,
        )
        if self.label is not None:
            batch.y = self.label[graphs]
        return batch

    def to(self, device: torch.device | str) -> GraphSet:
        label = None if self.label is None else self.label.to(device)
        x, edge_index, node_start = (one.to(device) for one in (self.x, self.edge_index, self.node_start))
        return replace(self, x=x, edge_index=edge_index, node_start=node_start, label=label)


def _members(start: Tensor, groups: Tensor) -> tuple[Tensor, Tensor]:
    """(position in ``groups``, row) of every row of these groups."""
    count = start[groups + 1] - start[groups]
    position = torch.repeat_interleave(torch.arange(len(groups), device=groups.device), count)
    offset = torch.arange(len(position), device=groups.device) - (count.cumsum(0) - count)[position]
    return position, start[groups][position] + offset
