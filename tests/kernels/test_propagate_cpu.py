"""What only the compiled backend has: rounding of its own, tables that are kept, parts of rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.graph.build import build_graph
from sgl_rec.kernels import propagate_cpu, propagate_torch
from sgl_rec.kernels.propagate_cpu import _boundary, _round_rows
from sgl_rec.types import Adjacency, Interactions, Noise


def graph(num_users: int = 200, num_items: int = 90) -> Adjacency:
    keys = np.unique(np.random.default_rng(0).integers(0, num_users * num_items, 5 * num_users))
    return build_graph(Interactions(keys // num_items, keys % num_items, num_users, num_items)).layers[0]


def test_rounds_as_torch_does() -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 40_000, dtype=np.uint32)
    bits[:8] = 0x3F808000, 0x3F818000, 0x3F807FFF, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x00018000, 0
    bits[8:11] = 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001  # NaNs whose sum with the rounding would overflow or vanish
    table = bits.view(np.float32).reshape(100, -1)
    halves = np.empty(table.shape, np.uint16)
    _round_rows(table, np.float32(1), np.ones(100, np.float32), halves)
    got = torch.from_numpy(halves).view(torch.bfloat16)
    assert torch.equal(got.nan_to_num(7.0), torch.from_numpy(table).bfloat16().nan_to_num(7.0))


def test_noise_is_the_same_at_every_place() -> None:
    adjacency, noise = graph(), Noise(10.0, 5)
    x = torch.randn(adjacency.num_nodes, 33, generator=torch.Generator().manual_seed(0))
    got, expected = (
        module.layers([adjacency], x, weights=(0.0, 1.0), noise=noise, taps=(), precision="float32")[0]
        for module in (propagate_cpu, propagate_torch)
    )
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("width", [8, 16, 20])
def test_where_memory_lies_does_not_change_a_bit(width: int) -> None:
    adjacency, noise, generator = graph(), Noise(0.1, 7), np.random.default_rng(0)
    x = torch.randn(adjacency.num_nodes, width, generator=torch.Generator().manual_seed(0))
    results = []
    for step in range(2, 202):
        # Arrays of about the length of a row, some of them freed: the kernel's own come to lie in the gaps.
        held = [np.empty(int(size), np.uint8) for size in generator.integers(1, 16 * width, 40)]
        held = held[:: step % 3 + 1]
        results += propagate_cpu.layers(
            [adjacency] * 2, x, weights=(0.0, 0.5, 0.5), noise=noise, taps=(), precision="float32"
        )
        del held
    assert all(torch.equal(one, results[0]) for one in results)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("num_layers", [1, 2, 3, 4, 5])
def test_tables_taken_by_turns(num_layers: int, precision: str) -> None:
    adjacency = graph()
    x = torch.randn(adjacency.num_nodes, 17, generator=torch.Generator().manual_seed(0))
    weights, added = [0.3] * (num_layers + 1), [None] * num_layers + [x]
    got, expected = (
        module.horner([adjacency] * num_layers, x, weights=weights, added=added, precision=precision)
        for module in (propagate_cpu, propagate_torch)
    )
    torch.testing.assert_close(
        got,
        expected,
        **({"rtol": 1e-5, "atol": 1e-6} if precision == "float32" else {"rtol": 1e-2, "atol": 1e-2}),
    )


def test_a_large_table_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propagate_cpu, "_kept", propagate_cpu.threading.local())
    shape, dtype = (10, 16), np.dtype(np.float32)
    monkeypatch.setattr(propagate_cpu, "_SCRATCH_BYTES", 639)
    first = propagate_cpu._scratch(0, shape, dtype)
    assert not np.shares_memory(first, propagate_cpu._scratch(0, shape, dtype))
    monkeypatch.setattr(propagate_cpu, "_SCRATCH_BYTES", 640)
    kept = propagate_cpu._scratch(0, shape, dtype)
    assert np.shares_memory(kept, propagate_cpu._scratch(0, (5, 16), dtype))
    assert not np.shares_memory(kept, propagate_cpu._scratch(1, shape, dtype))
    assert kept.ctypes.data % 64 == 0


@pytest.mark.parametrize("degrees", [[0] * 5, [3], [10_000, 0, 0, 1], list(range(500)), [0] * 300 + [7] * 300])
def test_parts_cover_every_row_once(degrees: list[int]) -> None:
    row_start = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)
    ends = [_boundary(row_start, part) for part in range(propagate_cpu._PARTS + 1)]
    assert ends[0] == 0
    assert ends[-1] == len(degrees)
    assert ends == sorted(ends)
