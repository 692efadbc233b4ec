from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.types import Adjacency, Interactions
from tests.reference.propagation import dense_adjacency
from tests.reference.views import scipy_adjacency


def dense(adjacency: Adjacency) -> np.ndarray:
    matrix = torch.zeros(adjacency.num_nodes, adjacency.num_nodes, dtype=adjacency.left.dtype)
    column = adjacency.column.long()
    matrix[adjacency.row, column] = adjacency.left[adjacency.row] * adjacency.right[column]
    return matrix.numpy()


@pytest.mark.parametrize("exponents", [(0.5, 0.5), (1.0, 0.0), (0.3, 0.8)])
def test_equals_the_dense_loop(exponents: tuple[float, float]) -> None:
    # Neither sorted nor square; user 1 and item 3 have no interaction.
    pairs = [(2, 2), (0, 1), (2, 0), (0, 0)]
    user, item = np.array(pairs).T
    graph = build_graph(Interactions(user, item, 3, 4), exponents=exponents, dtype=torch.float64)
    np.testing.assert_allclose(dense(graph.layers[0]), dense_adjacency(pairs, 3, 4, exponents), rtol=1e-14)
    assert (graph.num_users, graph.num_items, graph.num_edges, graph.exponents) == (3, 4, 4, exponents)


def test_equals_scipy_with_ascending_columns() -> None:
    keys = np.random.default_rng(0).permutation(50 * 80)[:1500]
    user, item = keys // 80, keys % 80
    graph = build_graph(Interactions(user, item, 50, 80))
    expected = scipy_adjacency(list(zip(user.tolist(), item.tolist(), strict=True)), 50, 80)
    expected.sort_indices()
    adjacency = graph.layers[0]
    assert adjacency.row_start.tolist() == expected.indptr.tolist()
    assert adjacency.column.tolist() == expected.indices.tolist()
    values = adjacency.left[adjacency.row] * adjacency.right[adjacency.column.long()]
    np.testing.assert_allclose(values.numpy(), expected.data, rtol=1e-6)


def test_types_and_shared_scale() -> None:
    adjacency = build_graph(Interactions(np.array([0]), np.array([0]), 1, 1)).layers[0]
    assert adjacency.row_start.dtype == adjacency.column.dtype == torch.int32
    assert adjacency.left.dtype == torch.float32
    assert adjacency.left is adjacency.right


def test_no_interaction_at_all() -> None:
    none = np.array([], dtype=np.int64)
    graph = build_graph(Interactions(none, none, 2, 3))
    assert graph.num_edges == 0
    assert graph.layers[0].left.tolist() == [0.0] * 5


def test_refuses_a_repeated_pair() -> None:
    twice = Interactions(np.array([1, 0, 1]), np.array([2, 0, 2]), 2, 3)
    with pytest.raises(UserError, match=r"interactions must be distinct pairs, got \(1, 2\) twice"):
        build_graph(twice)
