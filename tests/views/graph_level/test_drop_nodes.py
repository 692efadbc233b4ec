from __future__ import annotations

from typing import Any

import pytest
import torch

from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.drop_nodes import drop_nodes
from tests.reference import graph_level_views as reference
from tests.views.graph_level.conftest import graphs_of, random_batch


@pytest.mark.parametrize("drop_rate", [0.0, 0.2, 0.5, 0.9])
def test_equals_the_loops(batch: Any, drop_rate: float) -> None:
    view = drop_nodes(batch, drop_rate=drop_rate, generator=torch.Generator().manual_seed(4))
    key = draw_key(torch.Generator().manual_seed(4))
    assert graphs_of(view) == reference.drop_nodes(graphs_of(batch), key=key, drop_rate=drop_rate)


def test_every_graph_loses_its_share_and_keeps_a_node() -> None:
    view = drop_nodes(random_batch([1, 4, 5, 10, 29]), generator=torch.Generator().manual_seed(0))
    assert view.ptr.diff().tolist() == [1, 4, 4, 8, 24]
    view = drop_nodes(random_batch([1, 2, 30]), drop_rate=0.999, generator=torch.Generator())
    assert view.ptr.diff().tolist() == [1, 1, 1]


def test_each_node_as_likely_as_another() -> None:
    generator, batch = torch.Generator().manual_seed(0), random_batch([10] * 50)
    kept = torch.zeros(500)
    for _ in range(100):
        kept[drop_nodes(batch, drop_rate=0.3, generator=generator).x[:, 0].long()] += 1
    assert kept.mean() == pytest.approx(70)
    assert kept.std() == pytest.approx((100 * 0.7 * 0.3) ** 0.5, rel=0.15)
    by_place = kept.view(50, 10).mean(0)
    assert (by_place - 70).abs().max() < 4 * (21 / 50) ** 0.5
