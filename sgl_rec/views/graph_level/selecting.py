"""What the views of batched graphs share: an exact share of each graph's rows, and the batch of what is kept.

A batch is a ``torch_geometric.data.Batch`` (in signatures ``Any``, since that library is imported on use): node
features ``x``, ``edge_index`` over the nodes of all graphs, ``batch``, the graph of each node in ascending order,
and ``ptr``. Of its other tensors those with a row for each node, edge or graph are cut to size with them.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.hash import uniform_bits

_OF_NODES = ("x", "pos", "batch")
"""Names that never mean a row a graph, whatever their length."""


def check_batch(where: str, batch: Any) -> None:
    """Raises: UserError for what is no batch of homogeneous graphs."""
    if not all(isinstance(getattr(batch, key, None), Tensor) for key in ("batch", "edge_index")):
        advice = "Batch.from_data_list([graph]) makes one"
        raise must_be(where, "batch", "a torch_geometric Batch", type(batch).__name__, advice)


def chosen(group: Int64[Tensor, " R"], *, num_groups: int, share: float, key: int) -> Bool[Tensor, " R"]:
    """Of the n rows of each group floor(share n), each choice of them as likely as another.

    Example:
        >>> rows = chosen(torch.tensor([0, 0, 0, 0, 1, 1, 1]), num_groups=2, share=0.5, key=3)
        >>> int(rows[:4].sum()), int(rows[4:].sum())
        (2, 1)
    """
    size = torch.bincount(group, minlength=num_groups)
    number = torch.arange(len(group), device=group.device)
    # Groups in order, and within a group the order of the hash: the first rows of each are the chosen ones.
    order = ((group << 32) | uniform_bits(key, number)).argsort(stable=True)
    place = torch.empty_like(number)
    place[order] = number - (size.cumsum(0) - size)[group[order]]
    return place < (size.double() * share).long()[group]


def induced(batch: Any, kept: Bool[Tensor, " N"]) -> Any:
    """The kept nodes and the edges between them, numbered anew; a graph may lose all its nodes and stays."""
    edges = kept[batch.edge_index].all(dim=0)
    number = kept.cumsum(0) - 1
    view = _taken(batch, nodes=kept, edges=edges)
    view.edge_index = number[view.edge_index]
    view.ptr = _starts(view.batch, batch.num_graphs)
    if "num_nodes" in batch:
        view.num_nodes = len(view.batch)
    return view


def with_edges(batch: Any, kept: Bool[Tensor, " E"]) -> Any:
    """All nodes, and the kept edges."""
    return _taken(batch, nodes=None, edges=kept)


def edge_columns(batch: Any) -> list[str]:
    """The names of what an edge carries, its ends left out."""
    return [key for key, _ in batch if _rows_of(batch, key) == "edge" and key != "edge_index"]


def _taken(batch: Any, *, nodes: Tensor | None, edges: Tensor) -> Any:
    view = fresh(batch)
    for key, value in batch:
        mask = {"node": nodes, "edge": edges}.get(_rows_of(batch, key))
        if mask is not None:
            view[key] = value.index_select(batch.__cat_dim__(key, value), mask.nonzero().squeeze(1))
    return view


def fresh(batch: Any) -> Any:
    """A batch of its own with the same tensors; changing one of its columns leaves the given one alone."""
    view = copy.copy(batch)
    view._num_graphs = batch.num_graphs
    for stale in ("_slice_dict", "_inc_dict"):  # where the single graphs lay before
        if hasattr(view, stale):
            delattr(view, stale)
    return view


def _rows_of(batch: Any, key: str) -> str:
    """Whether a column has a row for each "node" or "edge", or is of something else: of graphs, or no tensor."""
    value = batch[key]
    if key == "ptr" or not isinstance(value, Tensor) or value.ndim == 0:
        return "other"
    length = value.shape[batch.__cat_dim__(key, value)]
    of_edges = "edge" in key
    if length == batch.num_graphs and key not in _OF_NODES and not of_edges:
        return "other"
    if length == batch.num_nodes and not of_edges:
        return "node"
    return "edge" if length == batch.num_edges and key not in _OF_NODES else "other"


def _starts(graph_of_node: Tensor, num_graphs: int) -> Tensor:
    size = torch.bincount(graph_of_node, minlength=num_graphs)
    return torch.cat([size.new_zeros(1), size.cumsum(0)])
