from __future__ import annotations

import numpy as np
import torch

from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.node_drop import node_drop
from tests.reference import views as reference
from tests.reference.graphs import assert_layer, pairs_of


def test_equals_scipy_over_the_same_mask(graph: Graph) -> None:
    for seed in range(5):
        view = node_drop(graph, drop_rate=0.3, generator=torch.Generator().manual_seed(seed))
        key = draw_key(torch.Generator().manual_seed(seed))
        left = reference.node_drop(pairs_of(graph), graph.num_users, key=key, drop_rate=0.3)
        assert_layer(view, 0, left)


def test_a_node_loses_all_its_edges_or_those_of_dropped_neighbours(graph: Graph) -> None:
    generator = torch.Generator().manual_seed(0)
    rate, rounds, share = 0.3, 100, []
    for _ in range(rounds):
        view = node_drop(graph, drop_rate=rate, generator=generator)
        left = set(pairs_of(view))
        alive = {user for user, _ in left}, {item for _, item in left}
        # An edge between two nodes that both still have edges must be there.
        assert all((u, i) in left for u, i in pairs_of(graph) if u in alive[0] and i in alive[1])
        share.append(len(left) / graph.num_edges)
    assert view.num_nodes == graph.num_nodes
    assert abs(np.mean(share) - (1 - rate) ** 2) < 5 * np.std(share) / rounds**0.5
