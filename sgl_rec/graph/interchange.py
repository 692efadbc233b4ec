"""Our Graph <-> PyTorch Geometric's HeteroData."""

from __future__ import annotations

from typing import Any

import torch

from sgl_rec.errors import must_be
from sgl_rec.graph.build import build_graph
from sgl_rec.types import Graph, Interactions

_EDGE_TYPE = ("user", "interacts", "item")


def to_hetero_data(graph: Graph) -> Any:
    """The graph as a ``HeteroData``: node types "user" and "item", edge type ("user", "interacts", "item").

    Normalisation is not carried over: it is a choice of the reader's. Each interaction stands once, users
    ascending.

    Returns: ``torch_geometric.data.HeteroData`` (not named in the signature, since it is imported on use).

    Raises: UserError for a graph with one adjacency per layer, which HeteroData cannot hold.

    Example:
        >>> import numpy as np
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> to_hetero_data(graph)["user", "interacts", "item"].edge_index.tolist()
        [[0, 1], [2, 0]]
    """
    from torch_geometric.data import HeteroData

    if len(graph.layers) != 1:
        raise must_be(
            "to_hetero_data", "graph", "of one adjacency", len(graph.layers), "convert the graph before the view"
        )
    adjacency = graph.layers[0]
    # The rows of users come first, and with them each interaction once.
    user = adjacency.row[: graph.num_edges]
    item = adjacency.column[: graph.num_edges].long() - graph.num_users
    data = HeteroData()
    data["user"].num_nodes = graph.num_users
    data["item"].num_nodes = graph.num_items
    data[_EDGE_TYPE].edge_index = torch.stack([user, item])
    return data


def from_hetero_data(
    data: Any, *, exponents: tuple[float, float] = (0.5, 0.5), dtype: torch.dtype = torch.float32
) -> Graph:
    """The graph of a ``HeteroData`` with node types "user", "item" and edges ("user", "interacts", "item").

    Returns: a Graph on the device of the edges.

    Raises: UserError when the edge type, its edges or a number of nodes is not there, an index lies outside its
        node type, or an edge stands twice.

    Example:
        >>> import numpy as np
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> from_hetero_data(to_hetero_data(graph)).layers[0].column.tolist()
        [4, 2, 1, 0]
    """
    where, advice = "from_hetero_data", "set it on the HeteroData"
    if _EDGE_TYPE not in data.edge_types:
        raise must_be(where, "data", f"with edge type {_EDGE_TYPE}", data.edge_types, "rename its edge type")
    if "edge_index" not in data[_EDGE_TYPE]:
        raise must_be(where, f"edge_index of {_EDGE_TYPE}", "there", "none", advice)
    for node_type in ("user", "item"):
        # PyG works the number out from the node features where it is not set.
        if not (set(data[node_type].keys()) and data[node_type].num_nodes is not None):
            raise must_be(where, f"num_nodes of {node_type!r}", "known", "nothing", advice)
    edge_index = data[_EDGE_TYPE].edge_index
    user, item = edge_index.cpu().numpy()
    interactions = Interactions(user, item, data["user"].num_nodes, data["item"].num_nodes)
    return build_graph(interactions, exponents=exponents, device=edge_index.device, dtype=dtype)
