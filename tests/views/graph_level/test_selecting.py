"""Exact shares, and what goes with the nodes and edges that are kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_geometric.data import Batch, Data

from sgl_rec.views.graph_level.selecting import chosen, edge_columns, fresh, induced, with_edges
from tests.reference import graph_level_views as reference
from tests.views.graph_level.conftest import random_batch


@pytest.mark.parametrize("share", [0.0, 0.2, 0.29, 0.5, 0.999])
def test_a_share_of_every_group_in_whatever_order_they_stand(share: float) -> None:
    group = torch.randint(7, (100,), generator=torch.Generator().manual_seed(0))
    group[group == 3] = 4
    mask = chosen(group, num_groups=8, share=share, key=11)
    for number in range(8):
        rows = (group == number).nonzero().squeeze(1).tolist()
        assert set(mask.nonzero().squeeze(1).tolist()) & set(rows) == reference.chosen(rows, share=share, key=11)


def loaded() -> Any:
    """Two rings: as many edges as 2 x nodes; columns of every kind."""
    rings = []
    for size in (3, 4):
        node = torch.arange(size)
        edge_index = torch.stack([torch.cat([node, (node + 1) % size]), torch.cat([(node + 1) % size, node])])
        rings.append(
            Data(
                x=torch.rand(size, 2, generator=torch.Generator().manual_seed(size)),
                edge_index=edge_index,
                pos=node.double(),
                edge_attr=torch.arange(2 * size),
                y=torch.tensor([size]),
                name=f"ring {size}",
                total=float(size),
            )
        )
    return Batch.from_data_list(rings)


def test_columns_go_with_their_rows() -> None:
    batch = loaded()
    kept = torch.tensor([True, True, False, True, True, True, False])
    view = induced(batch, kept)
    assert view.edge_index.tolist() == [[0, 1, 2, 3, 3, 4], [1, 0, 3, 4, 2, 3]]
    assert view.edge_attr.tolist() == [0, 3, 0, 1, 4, 5]
    assert view.pos.tolist() == [0, 1, 0, 1, 2]
    assert torch.equal(view.x, batch.x[kept])
    assert (view.batch.tolist(), view.ptr.tolist()) == ([0, 0, 1, 1, 1], [0, 2, 5])
    assert (view.y.tolist(), view.name, view.total.tolist()) == ([3, 4], ["ring 3", "ring 4"], [3, 4])
    with pytest.raises(RuntimeError, match="Cannot reconstruct"):
        view.get_example(0)  # and not a wrong one


def test_no_node_of_a_graph_is_kept() -> None:
    view = induced(loaded(), torch.tensor([False] * 3 + [True] * 4))
    assert (view.num_graphs, view.ptr.tolist(), view.num_edges) == (2, [0, 0, 4], 8)
    assert view.batch.tolist() == [1, 1, 1, 1]


def test_kept_edges_leave_nodes_alone() -> None:
    batch = loaded()
    view = with_edges(batch, torch.arange(14) % 2 == 0)
    assert view.edge_attr.tolist() == [0, 2, 4, 0, 2, 4, 6]
    assert torch.equal(view.x, batch.x)
    assert view.ptr is batch.ptr
    assert edge_columns(batch) == ["edge_attr"]


def test_as_many_graphs_as_edges_or_nodes() -> None:
    """A label for each graph is no column of the edges, though it is as long."""
    pair = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([1]))
    single = Data(x=torch.ones(1, 1), edge_index=torch.empty(2, 0, dtype=torch.int64), y=torch.tensor([0]))
    batch = Batch.from_data_list([pair, single])
    view = with_edges(batch, torch.tensor([True, False]))
    assert view.y.tolist() == [1, 0]
    assert induced(batch, torch.tensor([True, False, True])).y.tolist() == [1, 0]


def test_features_need_not_be_there() -> None:
    batch = random_batch([3, 2], density=1.0)
    bare = Batch.from_data_list(
        [Data(edge_index=g.edge_index, num_nodes=g.num_nodes) for g in batch.to_data_list()]
    )
    view = induced(bare, torch.tensor([True, False, True, True, True]))
    assert (view.num_nodes, view.edge_index.tolist()) == (4, [[0, 1, 2, 3], [1, 0, 3, 2]])


def test_a_fresh_batch_shares_no_columns() -> None:
    batch = loaded()
    view = fresh(batch)
    view.x = view.x + 1
    assert not torch.equal(view.x, batch.x)
    assert batch.get_example(1).num_nodes == 4
