"""What every registered encoder of a graph must hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.encoders import ENCODERS
from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.types import Graph, Interactions


def graph(num_users: int = 6, num_items: int = 9) -> Graph:
    # The last user and the last item have no interaction.
    keys = np.unique(np.random.default_rng(0).integers(0, (num_users - 1) * (num_items - 1), 25))
    user, item = keys // (num_items - 1), keys % (num_items - 1)
    return build_graph(Interactions(user, item, num_users, num_items))


def encoder(name: str, seed: int = 0) -> torch.nn.Module:
    return ENCODERS[name](6, 9, embedding_dim=4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ENCODERS.names())
def test_shapes_and_finite_values(name: str) -> None:
    model = encoder(name)
    for embeddings in (model(graph()), model.initial()):
        assert tuple(embeddings.user.shape) == (6, 4)
        assert tuple(embeddings.item.shape) == (9, 4)
        assert torch.isfinite(embeddings.user).all()
        assert torch.isfinite(embeddings.item).all()


@pytest.mark.parametrize("name", ENCODERS.names())
def test_the_generator_decides(name: str) -> None:
    state = torch.get_rng_state()
    first, again, other = (encoder(name, seed)(graph()) for seed in (0, 0, 1))
    assert torch.equal(first.user, again.user)
    assert torch.equal(first.item, again.item)
    assert not torch.equal(first.user, other.user)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", ENCODERS.names())
def test_every_parameter_has_a_finite_gradient(name: str) -> None:
    model = encoder(name)
    embeddings = model(graph())
    (embeddings.user @ embeddings.item.T).square().sum().backward()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.any()


@pytest.mark.parametrize("name", ENCODERS.names())
def test_gradients_reach_the_initial_table(name: str) -> None:
    model = encoder(name)
    initial = model.initial()
    (initial.user.square().sum() + initial.item.square().sum()).backward()
    assert any(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


@pytest.mark.parametrize("name", ENCODERS.names())
def test_a_state_dict_brings_it_back(name: str) -> None:
    model, other = encoder(name, seed=0), encoder(name, seed=1)
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(graph()).item, other(graph()).item)


@pytest.mark.parametrize("name", ENCODERS.names())
def test_refuses_a_graph_of_another_size(name: str) -> None:
    # The same number of nodes, but cut elsewhere.
    with pytest.raises(UserError, match=r"must be \(6, 9\), got \(9, 6\)"):
        encoder(name)(graph(9, 6))
