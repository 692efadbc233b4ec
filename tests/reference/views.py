"""The views of a graph, edge by edge; a graph is its (user, item) pairs over joint nodes, users first."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from tests.reference.hash import split_key, uniform_bits

Pairs = list[tuple[int, int]]


def dropped(key: int, rate: float, first: int, second: int = 0) -> bool:
    return uniform_bits(key, first, second) < round(rate * 2**32)


def edge_drop(pairs: Pairs, num_users: int, *, key: int, drop_rate: float) -> Pairs:
    return [(user, item) for user, item in pairs if not dropped(key, drop_rate, user, num_users + item)]


def node_drop(pairs: Pairs, num_users: int, *, key: int, drop_rate: float) -> Pairs:
    return [
        (user, item)
        for user, item in pairs
        if not dropped(key, drop_rate, user) and not dropped(key, drop_rate, num_users + item)
    ]


def layerwise_edge_drop(
    pairs: Pairs, num_users: int, *, key: int, drop_rate: float, num_layers: int
) -> list[Pairs]:
    keys = [split_key(key, index) for index in range(num_layers)]
    return [edge_drop(pairs, num_users, key=one, drop_rate=drop_rate) for one in keys]


def walk(pairs: Pairs, num_users: int, *, key: int, num_seeds: int, walk_length: int, restart: float) -> set[int]:
    """The visited nodes."""
    neighbours: dict[int, list[int]] = {}
    for user, item in pairs:
        neighbours.setdefault(user, []).append(num_users + item)
        neighbours.setdefault(num_users + item, []).append(user)
    order = sorted(neighbours, key=lambda node: (uniform_bits(split_key(key, 0), node), node))
    visited = set(order[:num_seeds])
    for seed in order[:num_seeds]:
        here = seed
        for step in range(walk_length):
            if dropped(split_key(key, 2), restart, seed, step):
                here = seed
            else:
                ways = sorted(neighbours[here])
                here = ways[uniform_bits(split_key(key, 1), seed, step) * len(ways) // 2**32]
            visited.add(here)
    return visited


def walk_subgraph(
    pairs: Pairs, num_users: int, *, key: int, num_seeds: int, walk_length: int, restart: float
) -> Pairs:
    visited = walk(pairs, num_users, key=key, num_seeds=num_seeds, walk_length=walk_length, restart=restart)
    return [(user, item) for user, item in pairs if user in visited and num_users + item in visited]


def scipy_adjacency(
    pairs: Pairs, num_users: int, num_items: int, exponents: tuple[float, float] = (0.5, 0.5)
) -> sp.csr_matrix:
    """The normalised matrix as SGL's code builds it: COO, sum of rows, two diagonal products."""
    user = np.array([user for user, _ in pairs], dtype=np.int64)
    item = np.array([item for _, item in pairs], dtype=np.int64)
    size = num_users + num_items
    half = sp.coo_matrix((np.ones(len(pairs)), (user, item + num_users)), shape=(size, size))
    whole = (half + half.T).tocsr()
    degree = np.asarray(whole.sum(axis=1)).ravel()
    scales = []
    for exponent in exponents:
        with np.errstate(divide="ignore"):
            scale = np.power(degree, -exponent)
        scale[degree == 0] = 0.0
        scales.append(sp.diags(scale))
    return (scales[0] @ whole @ scales[1]).tocsr()
