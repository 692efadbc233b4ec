from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.kernels.thin import between
from sgl_rec.types import Graph
from sgl_rec.views.thinning import check_rate, map_layers
from tests.reference.graphs import assert_layer, pairs_of


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_refuses_rates_outside(rate: float) -> None:
    with pytest.raises(UserError, match=r"some_view: drop_rate must be in \[0, 1\), got"):
        check_rate("some_view", "drop_rate", rate)


def test_every_layer_is_thinned_and_normalised_again(graph: Graph) -> None:
    layered = Graph(graph.num_users, graph.num_items, graph.layers * 2, graph.exponents)
    kept = torch.arange(graph.num_nodes) % 4 != 0
    result = map_layers(layered, lambda layer: between(layer.row_start, layer.column, kept=kept))
    left = [(u, i) for u, i in pairs_of(graph) if u % 4 != 0 and (i + graph.num_users) % 4 != 0]
    assert len(result.layers) == 2
    assert_layer(result, 0, left)
    assert_layer(result, 1, left)
    assert result.layers[0].left.dtype == torch.float32
