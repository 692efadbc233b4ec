"""What tests ask of a graph, read off its CSR in plain Python (any object with the fields will do)."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reference.views import Pairs, scipy_adjacency


def pairs_of(graph: Any, layer: int = 0) -> Pairs:
    """The (user, item) pairs of a layer, from the rows of its users."""
    adjacency = graph.layers[layer]
    start, column = adjacency.row_start.tolist(), adjacency.column.tolist()
    return [
        (user, node - graph.num_users)
        for user in range(graph.num_users)
        for node in column[start[user] : start[user + 1]]
    ]


def assert_layer(graph: Any, layer: int, pairs: Pairs) -> None:
    """Layer ``layer`` is SciPy's normalised matrix over ``pairs``: same pattern, same order, same values."""
    expected = scipy_adjacency(pairs, graph.num_users, graph.num_items, graph.exponents)
    expected.sort_indices()
    adjacency = graph.layers[layer]
    np.testing.assert_array_equal(adjacency.row_start.numpy(), expected.indptr)
    np.testing.assert_array_equal(adjacency.column.numpy(), expected.indices)
    rows = np.repeat(np.arange(expected.shape[0]), np.diff(expected.indptr))
    values = adjacency.left.numpy()[rows] * adjacency.right.numpy()[expected.indices]
    np.testing.assert_allclose(values, expected.data, rtol=1e-6)
