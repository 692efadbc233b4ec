from __future__ import annotations

from functools import partial

import torch

from sgl_rec.types import Graph
from sgl_rec.views.compose import compose
from sgl_rec.views.edge_drop import edge_drop
from sgl_rec.views.layerwise_edge_drop import layerwise_edge_drop
from sgl_rec.views.node_drop import node_drop
from tests.reference.graphs import assert_layer, pairs_of


def test_applies_from_left_to_right_with_one_generator(graph: Graph) -> None:
    steps = [
        partial(node_drop, drop_rate=0.2),
        partial(layerwise_edge_drop, drop_rate=0.2, num_layers=2),
        partial(edge_drop, drop_rate=0.2),
    ]
    generator = torch.Generator().manual_seed(0)
    expected = graph
    for step in steps:
        expected = step(expected, generator=generator)
    got = compose(*steps)(graph, generator=torch.Generator().manual_seed(0))
    assert len(got.layers) == 2
    for index in range(2):
        # The degrees are those of what is left at the end, not of a step between.
        assert_layer(got, index, pairs_of(expected, index))


def test_without_views_it_is_the_identity(graph: Graph) -> None:
    assert compose()(graph, generator=torch.Generator()) is graph
