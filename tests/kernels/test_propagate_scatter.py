"""Which scatter runs; the numbers are tested with the other backends."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from sgl_rec.kernels import propagate_scatter
from sgl_rec.kernels.propagate import hop
from sgl_rec.types import Adjacency


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    propagate_scatter.source.cache_clear()
    yield
    propagate_scatter.source.cache_clear()


def edge() -> Adjacency:
    return Adjacency(torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int(), *[torch.ones(2)] * 2)


def test_torch_scatter_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def scatter(src: Tensor, index: Tensor, *, dim: int, dim_size: int, reduce: str) -> Tensor:
        calls.append(reduce)
        return torch.zeros(dim_size, src.shape[1]).index_add(dim, index, src)

    module = types.ModuleType("torch_scatter")
    module.scatter = scatter
    module.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "torch_scatter", module)
    assert propagate_scatter.source() == "torch_scatter"
    assert hop(edge(), torch.tensor([[1.0], [3.0]]), backend="scatter").tolist() == [[3.0], [1.0]]
    assert calls == ["sum"]


def test_else_torch_geometric(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propagate_scatter.importlib.util, "find_spec", lambda name: None)
    assert propagate_scatter.source() == "torch_geometric.utils"
    assert hop(edge(), torch.tensor([[1.0], [3.0]]), backend="scatter").tolist() == [[3.0], [1.0]]
