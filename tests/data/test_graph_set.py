"""Batches of a set of graphs, against those that torch_geometric puts together from single ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from sgl_rec.data.graph_set import GraphSet


@pytest.fixture
def graphs() -> list[Data]:
    generator = np.random.default_rng(0)
    made = []
    for number, size in enumerate((3, 1, 5, 4)):
        adjacency = np.triu(generator.random((size, size)) < 0.5, 1)
        edge_index = torch.from_numpy(np.stack((adjacency | adjacency.T).nonzero()))
        features = torch.from_numpy(generator.normal(size=(size, 2)).astype(np.float32))
        made.append(Data(x=features, edge_index=edge_index, y=torch.tensor([number % 2])))
    return made


@pytest.fixture
def together(graphs: list[Data]) -> GraphSet:
    whole = Batch.from_data_list(graphs)
    return GraphSet("made", whole.x, whole.edge_index, whole.ptr, whole.y, (3, 7))


@pytest.mark.parametrize("chosen", [[0, 1, 2, 3], [2], [3, 1, 3, 0], [1], []])
def test_a_batch_is_that_of_torch_geometric(graphs: list[Data], together: GraphSet, chosen: list[int]) -> None:
    batch = together.batch(torch.tensor(chosen, dtype=torch.int64))
    assert batch.num_graphs == len(chosen)
    if not chosen:
        assert (batch.num_nodes, batch.num_edges) == (0, 0)
        return
    expected = Batch.from_data_list([graphs[number] for number in chosen])
    for key in ("x", "edge_index", "batch", "ptr", "y"):
        assert torch.equal(batch[key], expected[key]), key


def test_without_labels_there_are_none_in_a_batch(together: GraphSet) -> None:
    bare = GraphSet("bare", together.x, together.edge_index, together.node_start)
    assert (len(bare), bare.num_features) == (4, 2)
    assert "y" not in bare.batch(torch.tensor([0]))
    assert bare.to("cpu").label is None


def test_sources_need_not_ascend_within_a_graph(together: GraphSet) -> None:
    starts = together.edge_start
    pieces = [together.edge_index[:, a:b].flip(1) for a, b in pairwise(starts)]
    turned = GraphSet("turned", together.x, torch.cat(pieces, 1), together.node_start, together.label)
    assert turned.edge_start.tolist() == starts.tolist()
    assert turned.to("cpu").batch(torch.tensor([2])).edge_index.tolist() == (
        together.batch(torch.tensor([2])).edge_index.flip(1).tolist()
    )
