from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.kernels.thin import between, thin_edges, thin_nodes, walk
from tests.reference import views as reference

NUM_USERS, NUM_ITEMS = 40, 70
BACKENDS = ("torch", "cpu")


def pairs(seed: int = 0, count: int = 600) -> list[tuple[int, int]]:
    # Users from 35 on and items from 60 on have no edge.
    keys = np.unique(np.random.default_rng(seed).integers(0, 35 * 60, count))
    return [(int(key) // 60, int(key) % 60) for key in keys]


def pattern(edges: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    matrix = reference.scipy_adjacency(edges, NUM_USERS, NUM_ITEMS)
    matrix.sort_indices()
    return torch.from_numpy(matrix.indptr).int(), torch.from_numpy(matrix.indices).int()


def assert_pattern(got: tuple[Tensor, Tensor], edges: list[tuple[int, int]]) -> None:
    for one, other in zip(got, pattern(edges), strict=True):
        assert one.dtype == torch.int32
        assert torch.equal(one, other)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("key", [0, 7, 2**62 - 1])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.99, 1 - 1e-12])
@pytest.mark.parametrize("name", ["edges", "nodes"])
def test_thinning_equals_the_loop(key: int, rate: float, name: str, backend: str) -> None:
    kernel, loop = {
        "edges": (thin_edges, reference.edge_drop),
        "nodes": (thin_nodes, reference.node_drop),
    }[name]
    got = kernel(*pattern(pairs()), key=key, drop_rate=rate, backend=backend)
    assert_pattern(got, loop(pairs(), NUM_USERS, key=key, drop_rate=rate))


@pytest.mark.parametrize("threads", [1, 2])
def test_backends_and_threads_draw_the_same_bits(threads: int) -> None:
    # Not bipartite, so that a row has columns on both sides of it; hubs, and rows without an edge, at both ends.
    generator = np.random.default_rng(1)
    one, other = (500 + 2000 * generator.random((2, 60_000)) ** 3).astype(np.int64)
    matrix = coo_matrix((np.ones(len(one)), (one, other)), shape=(3000, 3000))
    matrix = (matrix + matrix.T).tocsr()
    matrix.sort_indices()
    graph = torch.from_numpy(matrix.indptr).int(), torch.from_numpy(matrix.indices).int()
    kept = torch.from_numpy(generator.random(3000) < 0.6)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        for rate in (0.0, 0.3, 0.999, 1 - 1e-12):
            assert_equal(*(thin_edges(*graph, key=9, drop_rate=rate, backend=name) for name in BACKENDS))
            assert_equal(*(thin_nodes(*graph, key=9, drop_rate=rate, backend=name) for name in BACKENDS))
        assert_equal(*(between(*graph, kept=kept, backend=name) for name in BACKENDS))
        moves = {"num_seeds": 40, "walk_length": 6, "restart": 0.2}
        assert torch.equal(*(walk(*graph, key=9, **moves, backend=name) for name in BACKENDS))
    finally:
        torch.set_num_threads(before)


def assert_equal(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> None:
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_pattern_given_is_left_alone(backend: str) -> None:
    graph = pattern(pairs())
    for rate in (0.0, 0.5):
        row_start, column = thin_edges(*graph, key=3, drop_rate=rate, backend=backend)
        row_start.zero_()
        column.zero_()
    assert_equal(graph, pattern(pairs()))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_two_directions_of_an_edge_go_together(backend: str) -> None:
    row_start, column = thin_edges(*pattern(pairs()), key=3, drop_rate=0.4, backend=backend)
    row = torch.repeat_interleave(torch.arange(len(row_start) - 1), row_start.diff())
    there = set(zip(row.tolist(), column.tolist(), strict=True))
    assert 0 < len(there) < 2 * len(pairs())
    assert there == {(b, a) for a, b in there}


@pytest.mark.parametrize("backend", BACKENDS)
def test_between_keeps_edges_with_both_ends(backend: str) -> None:
    kept = torch.arange(NUM_USERS + NUM_ITEMS) % 3 != 0
    expected = [(u, i) for u, i in pairs() if u % 3 != 0 and (NUM_USERS + i) % 3 != 0]
    assert_pattern(between(*pattern(pairs()), kept=kept, backend=backend), expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("key", [0, 7, 2**62 - 1])
@pytest.mark.parametrize(("num_seeds", "walk_length", "restart"), [(1, 1, 0.0), (5, 4, 0.3), (500, 2, 0.9)])
def test_walk_equals_the_loop(key: int, num_seeds: int, walk_length: int, restart: float, backend: str) -> None:
    sparse = pairs(count=60)
    arguments = {"key": key, "num_seeds": num_seeds, "walk_length": walk_length, "restart": restart}
    visited = walk(*pattern(sparse), **arguments, backend=backend)
    assert set(visited.nonzero().squeeze(1).tolist()) == reference.walk(sparse, NUM_USERS, **arguments)


def test_seeds_are_uniform_over_nodes_with_edges() -> None:
    sparse = pairs(count=30)
    start, column = pattern(sparse)
    connected = start.diff() > 0
    counts = torch.zeros(len(connected))
    for key in range(400):
        # A walk of no move visits its seeds alone.
        visited = walk(start, column, key=key, num_seeds=10, walk_length=0, restart=0.0)
        assert int(visited.sum()) == 10
        counts += visited
    assert not counts[~connected].any()
    mean = 400 * 10 / int(connected.sum())
    assert float((counts[connected] - mean).abs().max()) < 5 * mean**0.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_nothing_to_thin(backend: str) -> None:
    empty = torch.zeros(6, dtype=torch.int32), torch.zeros(0, dtype=torch.int32)
    for result in (
        thin_edges(*empty, key=1, drop_rate=0.5, backend=backend),
        thin_nodes(*empty, key=1, drop_rate=0.5, backend=backend),
    ):
        assert torch.equal(result[0], empty[0])
        assert len(result[1]) == 0
    assert not walk(*empty, key=1, num_seeds=3, walk_length=3, restart=0.5, backend=backend).any()


def test_refuses_an_unknown_backend() -> None:
    graph = pattern(pairs())
    for call in (
        lambda: thin_edges(*graph, key=0, drop_rate=0.1, backend="numbra"),
        lambda: thin_nodes(*graph, key=0, drop_rate=0.1, backend="numbra"),
        lambda: between(*graph, kept=torch.ones(NUM_USERS + NUM_ITEMS).bool(), backend="numbra"),
        lambda: walk(*graph, key=0, num_seeds=1, walk_length=1, restart=0.0, backend="numbra"),
    ):
        with pytest.raises(UserError, match="backend must be one of"):
            call()
