from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.data import Batch, Data

from sgl_rec.errors import UserError
from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.perturb_edges import perturb_edges
from tests.reference import graph_level_views as reference
from tests.views.graph_level.conftest import graphs_of, random_batch


@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.2, 0.2), (0.6, 0.0), (0.0, 0.9)])
def test_equals_the_loops(batch: Any, rates: tuple[float, float]) -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        view = perturb_edges(batch, drop_rate=rates[0], add_rate=rates[1], generator=generator)
        key = draw_key(torch.Generator().manual_seed(seed))
        expected = reference.perturb_edges(graphs_of(batch), key=key, drop_rate=rates[0], add_rate=rates[1])
        assert [sorted(graph.edges) for graph in graphs_of(view)] == [sorted(graph.edges) for graph in expected]
        assert torch.equal(view.x, batch.x)


def test_directions_go_together_and_new_edges_are_new() -> None:
    batch = random_batch([20] * 30, density=0.2)
    view = perturb_edges(batch, drop_rate=0.3, add_rate=0.3, generator=torch.Generator().manual_seed(1))
    assert view.is_undirected()
    assert not view.has_self_loops()
    for before, after in zip(graphs_of(batch), graphs_of(view), strict=True):
        old, new = set(before.edges), set(after.edges)
        assert len(new) == len(after.edges)
        dropped = int(0.3 * (len(old) // 2))
        assert len(old - new) == 2 * dropped
        assert 0 < len(new - old) <= 2 * dropped


def test_a_complete_graph_and_a_single_node_have_no_room() -> None:
    batch = random_batch([5, 1, 2], density=1.0)
    view = perturb_edges(batch, drop_rate=0.0, add_rate=0.99, generator=torch.Generator())
    assert view.num_edges == batch.num_edges == 22


def test_directed_edges_and_loops() -> None:
    """One direction alone is one pair; so is a loop."""
    graph = Data(x=torch.ones(4, 1), edge_index=torch.tensor([[0, 1, 2, 3], [1, 2, 3, 3]]))
    view = perturb_edges(
        Batch.from_data_list([graph]), drop_rate=0.5, add_rate=0.0, generator=torch.Generator().manual_seed(0)
    )
    assert view.num_edges == 2


def test_attributes_go_with_their_edges_and_forbid_new_ones(batch: Any) -> None:
    batch.edge_attr = batch.edge_index.T.double()  # each edge says where it is
    view = perturb_edges(batch, add_rate=0.0, generator=torch.Generator().manual_seed(0))
    assert 0 < view.num_edges < batch.num_edges
    assert torch.equal(view.edge_attr, view.edge_index.T.double())
    with pytest.raises(UserError, match=r"edges of the batch must be without attributes, got edge_attr; a new"):
        perturb_edges(batch, generator=torch.Generator())
