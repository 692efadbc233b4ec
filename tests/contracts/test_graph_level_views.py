"""What every registered view of batched graphs must hold; a new one is tested by being listed."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from sgl_rec.errors import UserError
from sgl_rec.views.graph_level import GRAPH_LEVEL_VIEWS

NAMES = GRAPH_LEVEL_VIEWS.names()
RATES = ("drop_rate", "add_rate", "mask_rate", "keep_rate")


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensors_of(batch: Any) -> dict[str, torch.Tensor]:
    return {key: value for key, value in batch.to_dict().items() if isinstance(value, torch.Tensor)}


def same(one: Any, other: Any) -> bool:
    first, second = tensors_of(one), tensors_of(other)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@pytest.fixture
def batch() -> Any:
    draw, graphs = np.random.default_rng(0), []
    for size in (12, 1, 30, 2, 7):
        adjacency = np.triu(draw.random((size, size)) < 0.3, 1)
        edge_index = torch.from_numpy(np.stack((adjacency | adjacency.T).nonzero()))
        features = torch.from_numpy(draw.normal(size=(size, 3)).astype(np.float32))
        weight = torch.from_numpy(draw.random(size))
        graphs.append(Data(features, edge_index, y=torch.tensor([size]), weight=weight, name=str(size)))
    return Batch.from_data_list(graphs)


def check(view: Any, batch: Any) -> None:
    """A batch of the same graphs, whatever is left of them."""
    assert view.num_graphs == batch.num_graphs == len(view.ptr) - 1
    assert torch.equal(view.ptr.diff(), torch.bincount(view.batch, minlength=batch.num_graphs))
    assert (view.batch.diff() >= 0).all()
    assert len(view.x) == len(view.batch) == len(view.weight) == view.num_nodes
    assert torch.equal(view.y, batch.y)
    assert view.name == batch.name
    if view.num_edges:
        assert 0 <= int(view.edge_index.min()) <= int(view.edge_index.max()) < view.num_nodes
    ends = view.batch[view.edge_index]
    assert torch.equal(ends[0], ends[1])
    assert (ends[0].diff() >= 0).all()
    assert view.is_undirected()
    assert view.is_coalesced() or len(view.edge_index.unique(dim=1).T) == view.num_edges
    assert view.x.dtype == batch.x.dtype


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_the_same_graphs(name: str, batch: Any) -> None:
    for seed in range(5):
        view = GRAPH_LEVEL_VIEWS[name](batch, generator=generator(seed))
        check(view, batch)
        assert not same(view, batch)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_views_compose(name: str, other: str, batch: Any) -> None:
    stream = generator(0)
    check(GRAPH_LEVEL_VIEWS[other](GRAPH_LEVEL_VIEWS[name](batch, generator=stream), generator=stream), batch)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_decides(name: str, batch: Any) -> None:
    stream = generator(1)
    first, second, again = (GRAPH_LEVEL_VIEWS[name](batch, generator=g) for g in (stream, stream, generator(1)))
    assert same(first, again)
    assert not same(first, second)


@pytest.mark.parametrize("name", NAMES)
def test_the_batch_and_global_generators_are_left_alone(name: str, batch: Any) -> None:
    before, state = batch.clone(), torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()
    view = GRAPH_LEVEL_VIEWS[name](batch, generator=generator(0))
    view.y = view.y + 1
    assert same(batch, before)
    assert batch.get_example(2).num_nodes == 30
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpy_state).all()


@pytest.mark.parametrize("name", NAMES)
def test_graphs_without_edges_or_nodes(name: str) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    bare = Batch.from_data_list([Data(torch.ones(5, 2), none), Data(torch.ones(0, 2), none)])
    view = GRAPH_LEVEL_VIEWS[name](bare, generator=generator(0))
    assert (view.num_graphs, view.num_edges) == (2, 0)
    assert view.ptr[1] == view.ptr[2]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rate", [-0.1, 1.0, float("nan")])
def test_rates_out_of_range(name: str, rate: float, batch: Any) -> None:
    for parameter in RATES:
        if parameter in inspect.signature(GRAPH_LEVEL_VIEWS[name]).parameters:
            with pytest.raises(UserError, match=rf"{name}: {parameter} must be in \[0, 1\), got {rate}"):
                GRAPH_LEVEL_VIEWS[name](batch, **{parameter: rate}, generator=generator(0))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_batch(name: str, batch: Any) -> None:
    for wrong in (batch.to_data_list()[0], None):
        with pytest.raises(UserError, match=rf"{name}: batch must be a torch_geometric Batch, got"):
            GRAPH_LEVEL_VIEWS[name](wrong, generator=generator(0))


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_the_device_changes_nothing(name: str, batch: Any) -> None:
    here = GRAPH_LEVEL_VIEWS[name](batch, generator=generator(3))
    there = GRAPH_LEVEL_VIEWS[name](batch.clone().to("cuda"), generator=generator(3))
    assert there.x.device.type == "cuda"
    assert same(here, there.to("cpu"))
