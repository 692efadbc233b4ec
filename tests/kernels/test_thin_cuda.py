"""Thinning on the GPU (interpreted where there is none) against the loops and the plain form."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton")

from sgl_rec.kernels import thin_cuda, thin_torch
from tests.reference import views as reference

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
NUM_USERS, NUM_ITEMS = 40, 400
# User 0 is a hub, users from 35 on and items from 390 on have no edge; one block of entries is not enough.
PAIRS = sorted(
    {(0, item) for item in range(390)} | {(step % 35, (step * step * 7 + step) % 390) for step in range(900)}
)


def pattern(edges: list[tuple[int, int]], device: torch.device = DEVICE) -> tuple[Tensor, Tensor]:
    matrix = reference.scipy_adjacency(edges, NUM_USERS, NUM_ITEMS)
    matrix.sort_indices()
    return torch.from_numpy(matrix.indptr).int().to(device), torch.from_numpy(matrix.indices).int().to(device)


def assert_same(got: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    for one, other in zip(got, expected, strict=True):
        assert one.dtype == other.dtype == torch.int32
        assert torch.equal(one, other)


def test_there_is_more_than_one_block() -> None:
    assert 2 * len(PAIRS) > thin_cuda.BLOCK


@pytest.mark.parametrize("key", [0, 7, 2**62 - 1])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.99, 1 - 1e-12])
def test_equals_the_loops(key: int, rate: float) -> None:
    edges = thin_cuda.thin_edges(*pattern(PAIRS), key=key, drop_rate=rate)
    assert_same(edges, pattern(reference.edge_drop(PAIRS, NUM_USERS, key=key, drop_rate=rate)))
    nodes = thin_cuda.thin_nodes(*pattern(PAIRS), key=key, drop_rate=rate)
    assert_same(nodes, pattern(reference.node_drop(PAIRS, NUM_USERS, key=key, drop_rate=rate)))


@pytest.mark.parametrize("kept", ["some", "all", "none"])
def test_between(kept: str) -> None:
    nodes = torch.arange(NUM_USERS + NUM_ITEMS, device=DEVICE)
    mask = {"some": nodes % 3 != 0, "all": nodes >= 0, "none": nodes < 0}[kept]
    graph = pattern(PAIRS)
    assert_same(thin_cuda.between(*graph, kept=mask), thin_torch.between(*graph, kept=mask))


@pytest.mark.parametrize("edges", [[], [(0, 0)], [(39, 399)]])
def test_almost_nothing(edges: list[tuple[int, int]]) -> None:
    graph = pattern(edges)
    assert_same(thin_cuda.thin_edges(*graph, key=1, drop_rate=0.0), graph)
    assert_same(thin_cuda.thin_nodes(*graph, key=1, drop_rate=0.0), graph)
    nothing = torch.zeros(1, dtype=torch.int32, device=DEVICE), torch.zeros(0, dtype=torch.int32, device=DEVICE)
    assert_same(thin_cuda.thin_nodes(*nothing, key=1, drop_rate=0.5), nothing)


@pytest.mark.gpu
def test_two_million_entries() -> None:
    generator = torch.Generator().manual_seed(0)
    user = (30_000 * torch.rand(1_000_000, generator=generator) ** 2).long()
    item = 30_000 + (40_000 * torch.rand(1_000_000, generator=generator) ** 3).long()
    keys = torch.cat([user * 70_000 + item, item * 70_000 + user]).unique()
    degree = torch.bincount(keys // 70_000, minlength=70_000)
    row_start = torch.cat([torch.zeros(1), degree.cumsum(0)]).int().to(DEVICE)
    column = (keys % 70_000).int().to(DEVICE)
    for name in ("thin_edges", "thin_nodes"):
        ours, plain = getattr(thin_cuda, name), getattr(thin_torch, name)
        assert_same(ours(row_start, column, key=5, drop_rate=0.1), plain(row_start, column, key=5, drop_rate=0.1))
        for label, function in (("triton", ours), ("torch", plain)):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for key in range(20):
                function(row_start, column, key=key, drop_rate=0.1)
            torch.cuda.synchronize()
            print(f"{name} of {len(column)} entries, {label}: {50 * (time.perf_counter() - begin):.3f} ms")
