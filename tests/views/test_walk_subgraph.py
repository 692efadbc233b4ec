from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.layerwise_edge_drop import layerwise_edge_drop
from sgl_rec.views.walk_subgraph import walk_subgraph
from tests.reference import views as reference
from tests.reference.graphs import assert_layer, pairs_of

WALK = {"num_seeds": 6, "walk_length": 4, "restart": 0.2}


def test_equals_scipy_over_the_same_walks(graph: Graph) -> None:
    for seed in range(5):
        view = walk_subgraph(graph, **WALK, generator=torch.Generator().manual_seed(seed))
        key = draw_key(torch.Generator().manual_seed(seed))
        left = reference.walk_subgraph(pairs_of(graph), graph.num_users, key=key, **WALK)
        assert 0 < len(left) < graph.num_edges
        assert_layer(view, 0, left)


def test_visited_nodes_are_joined_and_near_a_seed(graph: Graph) -> None:
    # One walk from one seed: what it keeps is connected, and holds at most walk_length + 1 nodes.
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        view = walk_subgraph(graph, num_seeds=1, walk_length=5, restart=0.1, generator=generator)
        pairs = pairs_of(view)
        nodes = {("user", u) for u, _ in pairs} | {("item", i) for _, i in pairs}
        reached, before = {next(iter(nodes))}, set()
        while reached != before:
            before = set(reached)
            for u, i in pairs:
                if {("user", u), ("item", i)} & reached:
                    reached |= {("user", u), ("item", i)}
        assert reached == nodes
        assert 2 <= len(nodes) <= 6
        inside = {(u, i) for u, i in pairs_of(graph) if {("user", u), ("item", i)} <= nodes}
        assert set(pairs) == inside


def test_all_nodes_as_seeds_keep_the_whole_graph(graph: Graph) -> None:
    view = walk_subgraph(
        graph, num_seeds=10**6, walk_length=1, restart=0.0, generator=torch.Generator().manual_seed(0)
    )
    assert pairs_of(view) == pairs_of(graph)


def test_layers_keep_their_own_edges_between_the_visited(graph: Graph) -> None:
    layered = layerwise_edge_drop(graph, drop_rate=0.4, num_layers=2, generator=torch.Generator().manual_seed(1))
    view = walk_subgraph(layered, **WALK, generator=torch.Generator().manual_seed(2))
    key = draw_key(torch.Generator().manual_seed(2))
    visited = reference.walk(pairs_of(layered, 0), graph.num_users, key=key, **WALK)
    for index in range(2):
        inside = [(u, i) for u, i in pairs_of(layered, index) if u in visited and graph.num_users + i in visited]
        assert_layer(view, index, inside)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_seeds": 0}, "num_seeds must be at least 1, got 0"),
        ({"walk_length": 0}, "walk_length must be at least 1, got 0"),
        ({"restart": 1.0}, r"restart must be in \[0, 1\), got 1.0"),
    ],
)
def test_refuses(graph: Graph, change: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        walk_subgraph(graph, **(WALK | change), generator=torch.Generator())
