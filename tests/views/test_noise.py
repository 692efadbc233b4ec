"""The noisy view."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.types import Graph, Interactions
from sgl_rec.views.edge_drop import edge_drop
from sgl_rec.views.noise import noise


@pytest.fixture
def graph() -> Graph:
    return build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_edges_are_those_of_the_graph(graph: Graph) -> None:
    view = noise(graph, magnitude=0.1, generator=generator())
    assert view.layers is graph.layers
    assert graph.noise is None


def test_the_generator_draws_the_key(graph: Graph) -> None:
    stream = generator()
    first, second = (noise(graph, magnitude=0.1, generator=stream).noise for _ in range(2))
    assert first != second
    assert first == noise(graph, magnitude=0.1, generator=generator()).noise


def test_a_thinned_noisy_graph_stays_noisy(graph: Graph) -> None:
    view = noise(graph, magnitude=0.1, generator=generator())
    assert edge_drop(view, drop_rate=0.5, generator=generator()).noise == view.noise


@pytest.mark.parametrize("magnitude", [-0.1, math.inf, math.nan])
def test_a_magnitude_out_of_range(graph: Graph, magnitude: float) -> None:
    with pytest.raises(UserError, match="noise: magnitude must be finite and at least 0"):
        noise(graph, magnitude=magnitude, generator=generator())
