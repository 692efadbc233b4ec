"""Batches of random graphs, and batches as lists of single ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from tests.reference.graph_level_views import OneGraph


def random_batch(sizes: list[int], *, seed: int = 0, density: float = 0.35) -> Any:
    """Undirected graphs of these sizes; feature 0 of a node is its number in the batch."""
    generator = np.random.default_rng(seed)
    graphs, before = [], 0
    for label, size in enumerate(sizes):
        adjacency = np.triu(generator.random((size, size)) < density, 1)
        edge_index = torch.from_numpy(np.stack((adjacency | adjacency.T).nonzero()))
        number = torch.arange(before, before + size, dtype=torch.float32)
        features = torch.stack([number, torch.ones(size), -number], dim=1)
        graphs.append(Data(x=features, edge_index=edge_index, y=torch.tensor([label])))
        before += size
    return Batch.from_data_list(graphs)


def graphs_of(batch: Any) -> list[OneGraph]:
    """The graphs of a batch one by one, their nodes under the numbers that feature 0 holds."""
    number = batch.x[:, 0].long().tolist()
    graph = batch.batch.tolist()
    result = [OneGraph([], []) for _ in range(batch.num_graphs)]
    for place, node in enumerate(number):
        result[graph[place]].nodes.append(node)
    for one, other in batch.edge_index.T.tolist():
        assert graph[one] == graph[other]
        result[graph[one]].edges.append((number[one], number[other]))
    return result


@pytest.fixture(params=[0, 1, 2])
def batch(request: pytest.FixtureRequest) -> Any:
    sizes = np.random.default_rng(request.param).integers(1, 14, size=9).tolist()
    return random_batch(sizes, seed=request.param)
