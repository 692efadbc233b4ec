from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph
from sgl_rec.views.layerwise_edge_drop import layerwise_edge_drop
from tests.reference import views as reference
from tests.reference.graphs import assert_layer, pairs_of


def test_equals_scipy_over_the_same_masks(graph: Graph) -> None:
    generator = torch.Generator().manual_seed(4)
    view = layerwise_edge_drop(graph, drop_rate=0.3, num_layers=3, generator=generator)
    masks = reference.layerwise_edge_drop(
        pairs_of(graph),
        graph.num_users,
        key=draw_key(torch.Generator().manual_seed(4)),
        drop_rate=0.3,
        num_layers=3,
    )
    assert len(view.layers) == 3
    for index, left in enumerate(masks):
        assert_layer(view, index, left)
    assert len({tuple(left) for left in masks}) == 3


def test_a_layered_graph_is_thinned_layer_by_layer(graph: Graph) -> None:
    generator = torch.Generator().manual_seed(4)
    once = layerwise_edge_drop(graph, drop_rate=0.3, num_layers=3, generator=generator)
    twice = layerwise_edge_drop(once, drop_rate=0.3, num_layers=3, generator=generator)
    for index in range(3):
        assert set(pairs_of(twice, index)) < set(pairs_of(once, index))


def test_refuses(graph: Graph) -> None:
    generator = torch.Generator()
    with pytest.raises(UserError, match="num_layers must be at least 1, got 0"):
        layerwise_edge_drop(graph, drop_rate=0.3, num_layers=0, generator=generator)
    layered = layerwise_edge_drop(graph, drop_rate=0.3, num_layers=3, generator=generator)
    with pytest.raises(UserError, match="num_layers must be 3, the layers of the graph, got 2"):
        layerwise_edge_drop(layered, drop_rate=0.3, num_layers=2, generator=generator)
