from __future__ import annotations

import numpy as np
import torch

from sgl_rec.graph.build import build_graph
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph, Interactions
from sgl_rec.views.edge_drop import edge_drop
from sgl_rec.views.layerwise_edge_drop import layerwise_edge_drop
from tests.reference import views as reference
from tests.reference.graphs import assert_layer, pairs_of


def test_equals_scipy_over_the_same_mask(graph: Graph) -> None:
    for seed in range(5):
        view = edge_drop(graph, drop_rate=0.3, generator=torch.Generator().manual_seed(seed))
        key = draw_key(torch.Generator().manual_seed(seed))
        left = reference.edge_drop(pairs_of(graph), graph.num_users, key=key, drop_rate=0.3)
        assert_layer(view, 0, left)
        assert view.exponents == graph.exponents


def test_each_edge_survives_on_its_own(graph: Graph) -> None:
    generator = torch.Generator().manual_seed(0)
    pairs, rounds, rate = pairs_of(graph), 100, 0.25
    kept = np.zeros((rounds, len(pairs)))
    for row in kept:
        survivors = set(pairs_of(edge_drop(graph, drop_rate=rate, generator=generator)))
        row[:] = [pair in survivors for pair in pairs]
    deviation = (rate * (1 - rate) / rounds) ** 0.5
    assert np.abs(kept.mean(0) - (1 - rate)).max() < 5 * deviation
    # Independent draws: the count of survivors varies as a binomial does.
    binomial = len(pairs) * rate * (1 - rate)
    assert 0.5 * binomial < kept.sum(1).var() < 1.7 * binomial


def test_rate_on_a_large_graph() -> None:
    keys = np.random.default_rng(0).choice(400 * 1000, 100_000, replace=False)
    large = build_graph(Interactions(keys // 1000, keys % 1000, 400, 1000))
    view = edge_drop(large, drop_rate=0.1, generator=torch.Generator().manual_seed(0))
    assert abs(view.num_edges - 90_000) < 5 * (100_000 * 0.1 * 0.9) ** 0.5


def test_an_edge_goes_from_all_layers_or_none(graph: Graph) -> None:
    layered = layerwise_edge_drop(graph, drop_rate=0.2, num_layers=2, generator=torch.Generator().manual_seed(1))
    view = edge_drop(layered, drop_rate=0.5, generator=torch.Generator().manual_seed(2))
    shared = set(pairs_of(layered, 0)) & set(pairs_of(layered, 1))
    assert shared & set(pairs_of(view, 0)) == shared & set(pairs_of(view, 1))
