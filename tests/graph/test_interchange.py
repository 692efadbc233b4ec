from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.data import HeteroData

from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.graph.interchange import from_hetero_data, to_hetero_data
from sgl_rec.types import Graph, Interactions


def graph(exponents: tuple[float, float] = (0.5, 0.5)) -> Graph:
    # User 3 and item 0 have no interaction.
    user, item = np.array([[2, 0, 2, 1], [1, 2, 4, 3]])
    return build_graph(Interactions(user, item, 4, 5), exponents=exponents)


def test_hetero_data_says_the_same() -> None:
    data = to_hetero_data(graph())
    data.validate(raise_on_error=True)
    assert (data["user"].num_nodes, data["item"].num_nodes) == (4, 5)
    assert data["user", "interacts", "item"].edge_index.tolist() == [[0, 1, 2, 2], [2, 3, 1, 4]]


def test_there_and_back() -> None:
    ours = graph((1.0, 0.0))
    back = from_hetero_data(to_hetero_data(ours), exponents=(1.0, 0.0))
    assert (back.num_users, back.num_items, back.exponents) == (4, 5, (1.0, 0.0))
    for name in ("row_start", "column", "left", "right"):
        assert torch.equal(getattr(back.layers[0], name), getattr(ours.layers[0], name))


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(UserError, match=r"from_hetero_data: data must be with edge type \('user', 'interacts'"):
        from_hetero_data(HeteroData())
    data = to_hetero_data(graph())
    data["item"].num_nodes = 2
    with pytest.raises(UserError, match="item must be in"):
        from_hetero_data(data)
    layered = graph()
    with pytest.raises(UserError, match="graph must be of one adjacency, got 2"):
        to_hetero_data(Graph(4, 5, layered.layers * 2))


def test_refuses_an_edge_type_without_edges_or_counts() -> None:
    data = HeteroData()
    data["user", "interacts", "item"].weight = torch.ones(3)
    with pytest.raises(UserError, match=r"edge_index of .* must be there"):
        from_hetero_data(data)
    data["user", "interacts", "item"].edge_index = torch.zeros(2, 1, dtype=torch.int64)
    with pytest.raises(UserError, match="num_nodes of 'user' must be known"):
        from_hetero_data(data)
