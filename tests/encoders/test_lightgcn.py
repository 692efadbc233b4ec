from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.nn.models import LightGCN as GeometricLightGCN

from sgl_rec.encoders.lightgcn import LightGCN
from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.types import Graph, Interactions
from sgl_rec.views.noise import noise
from tests.reference.propagation import dense_adjacency, propagation

# Two users, three items; in the second pattern item 2 is isolated.
PATTERNS = [[(0, 0), (0, 1), (1, 1), (1, 2)], [(0, 0), (0, 1), (1, 0)]]


def graph(pattern: list[tuple[int, int]], dtype: torch.dtype = torch.float64) -> Graph:
    user, item = np.array(pattern).T
    return build_graph(Interactions(user, item, 2, 3), dtype=dtype)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("arguments", "weights"),
    [
        ({"num_layers": 2}, [1 / 3, 1 / 3, 1 / 3]),
        ({"num_layers": 2, "include_layer_0": False}, [0, 1 / 2, 1 / 2]),
        ({"num_layers": 2, "layer_weights": [0.5, 0.0, -2.0]}, [0.5, 0.0, -2.0]),
        ({"num_layers": 0}, [1]),
    ],
)
@pytest.mark.parametrize("layered", [False, True])
def test_equals_the_dense_loop(arguments: dict, weights: list[float], layered: bool) -> None:
    model = LightGCN(2, 3, embedding_dim=4, **arguments, generator=generator()).double()
    patterns = (PATTERNS if layered else PATTERNS[:1] * 2)[: model.num_layers]
    layers = tuple(graph(pattern).layers[0] for pattern in patterns)
    one = Graph(2, 3, layers) if layers else graph(PATTERNS[0])
    matrices = [dense_adjacency(pattern, 2, 3, (0.5, 0.5)) for pattern in patterns]
    expected, _ = propagation(matrices, model.nodes.detach().numpy(), weights)
    got = model(one)
    np.testing.assert_allclose(got.user.detach().numpy(), expected[:2], rtol=1e-12)
    np.testing.assert_allclose(got.item.detach().numpy(), expected[2:], rtol=1e-12)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_agrees_with_torch_geometric(num_layers: int) -> None:
    keys = np.unique(np.random.default_rng(0).integers(0, 50 * 90, 700))
    user, item = keys // 90, keys % 90
    ours = LightGCN(50, 90, embedding_dim=16, num_layers=num_layers, generator=generator())
    theirs = GeometricLightGCN(140, 16, num_layers)
    theirs.embedding.weight.data.copy_(ours.nodes.data)
    pairs = torch.from_numpy(np.stack([user, item + 50]))
    expected = theirs.get_embedding(torch.cat([pairs, pairs.flip(0)], dim=1))
    got = ours(build_graph(Interactions(user, item, 50, 90)))
    torch.testing.assert_close(torch.cat([got.user, got.item]), expected, rtol=0, atol=1e-6)
    weigh = torch.randn(140, 16, generator=generator(1))
    (torch.cat([got.user, got.item]) * weigh).sum().backward()
    (expected * weigh).sum().backward()
    torch.testing.assert_close(ours.nodes.grad, theirs.embedding.weight.grad, rtol=1e-5, atol=1e-5)


def test_xavier_is_drawn_for_each_table() -> None:
    model = LightGCN(40, 4000, embedding_dim=8, generator=generator())
    initial = model.initial().detach()
    for table, rows in ((initial.user, 40), (initial.item, 4000)):
        bound = (6 / (rows + 8)) ** 0.5
        assert 0.9 * bound < float(table.abs().max()) <= bound
    users = torch.nn.init.xavier_uniform_(torch.empty(40, 8), generator=generator())
    assert torch.equal(initial.user, users)


def test_normal_has_its_standard_deviation() -> None:
    model = LightGCN(500, 500, initial="normal", initial_std=0.01, generator=generator())
    assert float(model.nodes.detach().std()) == pytest.approx(0.01, rel=0.02)


def test_isolated_item_has_its_weighted_table_row() -> None:
    model = LightGCN(2, 3, embedding_dim=4, num_layers=3, generator=generator()).double()
    item = model(graph(PATTERNS[1])).item
    torch.testing.assert_close(item[2], model.initial().item[2] / 4, rtol=1e-15, atol=0)


def test_noise_of_the_graph_is_in_every_layer() -> None:
    model = LightGCN(2, 3, embedding_dim=4, num_layers=2, generator=generator()).double()
    noisy = noise(graph(PATTERNS[0]), magnitude=0.3, generator=generator(1))
    assert noisy.noise is not None
    matrices = [dense_adjacency(PATTERNS[0], 2, 3, (0.5, 0.5))] * 2
    table = model.nodes.detach().numpy()
    expected, _ = propagation(matrices, table, [1 / 3] * 3, 0.3, noisy.noise.key)
    np.testing.assert_allclose(model(noisy).user.detach().numpy(), expected[:2], rtol=1e-6)
    plain, _ = propagation(matrices, table, [1 / 3] * 3)
    assert not np.allclose(plain, expected)


def test_without_contrast_layer_the_loop_decides_what_passes_there_are() -> None:
    model = LightGCN(2, 3, embedding_dim=4, num_layers=2, generator=generator()).double()
    assert model.passes(graph(PATTERNS[0]), (graph(PATTERNS[1]),)) is None


def test_one_pass_for_ranking_and_contrast() -> None:
    """XSimGCL: the noisy output and the noisy layer l*, the graph itself is not looked at."""
    model = LightGCN(
        2, 3, embedding_dim=4, num_layers=2, include_layer_0=False, contrast_layer=1, generator=generator()
    ).double()
    noisy = noise(graph(PATTERNS[0]), magnitude=0.3, generator=generator(1))
    assert noisy.noise is not None
    matrices = [dense_adjacency(PATTERNS[0], 2, 3, (0.5, 0.5))] * 2
    output, layers = propagation(matrices, model.nodes.detach().numpy(), [0, 1 / 2, 1 / 2], 0.3, noisy.noise.key)
    shared = model.passes(graph(PATTERNS[1]), (noisy,))
    assert shared is not None
    ranked, (first, second) = shared
    assert first is ranked
    np.testing.assert_allclose(ranked.item.detach().numpy(), output[2:], rtol=1e-6)
    np.testing.assert_allclose(second.user.detach().numpy(), layers[1][:2], rtol=1e-6)
    with pytest.raises(UserError, match="number of views with contrast_layer must be 1, got 2"):
        model.passes(noisy, (noisy, noisy))


def test_one_parameter_named_nodes() -> None:
    model = LightGCN(2, 3, embedding_dim=4, generator=generator())
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == {"nodes": (5, 4)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_layers": -1}, "num_layers must be at least 0, got -1"),
        ({"embedding_dim": 0}, "embedding_dim must be at least 1, got 0"),
        ({"layer_weights": [1.0, 2.0]}, "layer_weights must be 4 numbers, got 2"),
        ({"include_layer_0": False, "num_layers": 0}, "num_layers must be at least 1 without layer 0"),
        ({"include_layer_0": False, "layer_weights": [1.0] * 4}, "must be 0 without layer 0, got 1.0"),
    ],
)
def test_refuses_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        LightGCN(2, 3, **arguments, generator=generator())


def test_refuses_graphs() -> None:
    model = LightGCN(2, 3, generator=generator())
    one = graph(PATTERNS[0], torch.float32)
    with pytest.raises(UserError, match="adjacencies of the graph must be 1 or num_layers = 3, got 2"):
        model(Graph(2, 3, one.layers * 2))
    with pytest.raises(UserError, match=r"dtype of the graph must be torch.float32, got torch.float64"):
        model(graph(PATTERNS[0]))
