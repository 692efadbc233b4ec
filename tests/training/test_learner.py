"""What a step of a recommender computes."""

from __future__ import annotations

import numpy as np
import torch

from sgl_rec.encoders.lightgcn import LightGCN
from sgl_rec.graph.build import build_graph
from sgl_rec.rng import stream
from sgl_rec.training.learner import passes
from sgl_rec.types import Embeddings, Graph, Interactions


def small() -> Graph:
    user, item = np.nonzero(np.arange(20).reshape(4, 5) % 2 == 0)
    return build_graph(Interactions(user, item, 4, 5))


class Counting:
    """An encoder without ``passes`` of its own."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, graph: Graph) -> Embeddings:
        self.calls += 1
        return Embeddings(torch.full((2, 1), float(self.calls)), torch.zeros(3, 1))


def test_the_graph_itself_is_embedded_once() -> None:
    graph, other = (small() for _ in range(2))
    counting = Counting()
    ranked, (first, second) = passes(counting, graph, (graph, other))
    assert first is ranked
    assert counting.calls == int(second.user[0]) == 2
    ranked, views = passes(LightGCN(4, 5, embedding_dim=2, generator=stream(0, "initial")), graph, (graph,) * 2)
    assert views[0] is views[1] is ranked
