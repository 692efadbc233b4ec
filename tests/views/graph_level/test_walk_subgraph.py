from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.data import Batch, Data

from sgl_rec.errors import UserError
from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.walk_subgraph import walk_subgraph
from tests.reference import graph_level_views as reference
from tests.views.graph_level.conftest import graphs_of, random_batch


@pytest.mark.parametrize("walk", [(0.0, 1.0), (0.2, 1.0), (0.5, 3.0), (0.9, 0.5), (0.9, 0.0)])
def test_equals_the_loops(batch: Any, walk: tuple[float, float]) -> None:
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        view = walk_subgraph(batch, keep_rate=walk[0], moves_per_node=walk[1], generator=generator)
        key = draw_key(torch.Generator().manual_seed(seed))
        expected = reference.walk_subgraph(graphs_of(batch), key=key, keep_rate=walk[0], moves_per_node=walk[1])
        assert graphs_of(view) == expected


def test_what_is_kept_is_connected_and_of_the_size_asked_for() -> None:
    batch = random_batch([40] * 20, density=0.2)
    view = walk_subgraph(batch, keep_rate=0.25, moves_per_node=10.0, generator=torch.Generator().manual_seed(0))
    for graph in graphs_of(view):
        assert len(graph.nodes) == 11
        reached, before = {graph.nodes[0]}, set()
        while reached != before:
            before = set(reached)
            reached |= {other for one, other in graph.edges if one in reached}
        assert reached == set(graph.nodes)


def test_edges_in_any_order() -> None:
    batch = random_batch([15] * 8)
    turned = batch.clone()
    order = torch.randperm(batch.num_edges, generator=torch.Generator().manual_seed(0))
    turned.edge_index = batch.edge_index[:, order]
    view = walk_subgraph(turned, keep_rate=0.5, moves_per_node=5.0, generator=torch.Generator().manual_seed(2))
    key = draw_key(torch.Generator().manual_seed(2))
    assert graphs_of(view) == reference.walk_subgraph(
        graphs_of(turned), key=key, keep_rate=0.5, moves_per_node=5.0
    )


def test_a_directed_walk_ends_where_no_edge_leads_on() -> None:
    path = Data(x=torch.arange(3.0).view(3, 1), edge_index=torch.tensor([[0, 1], [1, 2]]))
    sizes = set()
    for seed in range(30):
        generator = torch.Generator().manual_seed(seed)
        view = walk_subgraph(Batch.from_data_list([path]), keep_rate=0.9, moves_per_node=9.0, generator=generator)
        sizes.add((int(view.x[0]), view.num_nodes, view.num_edges))
    assert sizes == {(0, 3, 2), (1, 2, 1), (2, 1, 0)}


@pytest.mark.parametrize("moves", [-1.0, float("inf"), float("nan")])
def test_refuses(batch: Any, moves: float) -> None:
    with pytest.raises(UserError, match=f"moves_per_node must be finite and at least 0, got {moves}"):
        walk_subgraph(batch, moves_per_node=moves, generator=torch.Generator())
