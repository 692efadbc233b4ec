"""GIN against loops, and what must not change a graph's vector."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch_geometric.data import Batch, Data

from sgl_rec.data.tu import read_tu
from sgl_rec.encoders.gin import GIN
from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.svm import svm
from sgl_rec.losses.contrastive import info_nce
from sgl_rec.rng import scope
from sgl_rec.views.graph_level.drop_nodes import drop_nodes
from sgl_rec.views.graph_level.walk_subgraph import walk_subgraph
from tests.reference import gin as reference


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def graphs(sizes: tuple[int, ...] = (4, 1, 6), *, directed: bool = False) -> list[Data]:
    draw, made = np.random.default_rng(0), []
    for size in sizes:
        adjacency = np.triu(draw.random((size, size)) < 0.5, 1)
        if not directed:
            adjacency |= adjacency.T
        features = torch.from_numpy(draw.normal(size=(size, 3)))
        made.append(Data(x=features, edge_index=torch.from_numpy(np.stack(adjacency.nonzero()))))
    return made


@pytest.fixture
def batch() -> Any:
    return Batch.from_data_list(graphs())


def weights_of(encoder: GIN) -> list[tuple[reference.Linear, reference.Linear]]:
    layers = []
    for layer in encoder.layers:
        pair = [part for part in layer.modules() if isinstance(part, nn.Linear)]
        layers.append(tuple((part.weight.tolist(), part.bias.tolist()) for part in pair))
    return layers


@pytest.mark.parametrize("directed", [False, True])
def test_equals_the_loops(directed: bool) -> None:
    batch = Batch.from_data_list(graphs(directed=directed))
    encoder = GIN(3, hidden_dim=5, num_layers=3, generator=generator(1)).double()
    for bias in (part.bias for part in encoder.modules() if isinstance(part, nn.Linear)):
        nn.init.normal_(bias, generator=generator(2))
    edges = [tuple(edge) for edge in batch.edge_index.T.tolist()]
    expected = reference.gin(batch.x.tolist(), edges, batch.batch.tolist(), 3, weights_of(encoder))
    torch.testing.assert_close(encoder(batch), torch.tensor(expected, dtype=torch.float64))


def test_eval_takes_each_graph_alone(batch: Any) -> None:
    encoder = GIN(3, hidden_dim=4, generator=generator(1)).double()
    for _ in range(3):
        encoder(batch)
    encoder.eval()
    alone = [encoder(Batch.from_data_list([graph])) for graph in graphs()]
    torch.testing.assert_close(encoder(batch), torch.cat(alone))


def test_the_numbering_of_nodes_and_the_order_of_edges_do_not_matter(batch: Any) -> None:
    encoder = GIN(3, hidden_dim=4, generator=generator(1)).double()
    turned = []
    for graph in graphs():
        new = torch.randperm(graph.num_nodes, generator=generator(graph.num_nodes))
        x = torch.empty_like(graph.x)
        x[new] = graph.x
        turned.append(Data(x=x, edge_index=new[graph.edge_index].flip(1)))
    torch.testing.assert_close(encoder(Batch.from_data_list(turned)), encoder(batch))


def test_gradients(batch: Any) -> None:
    encoder = GIN(3, hidden_dim=2, num_layers=2, generator=generator(1)).double()
    parameters = dict(encoder.named_parameters())
    values = [value.detach().clone().requires_grad_() for value in parameters.values()]

    def forward(*rows: torch.Tensor) -> torch.Tensor:
        encoder.zero_grad()
        return torch.func.functional_call(encoder, dict(zip(parameters, rows, strict=True)), (batch,))

    assert torch.autograd.gradcheck(forward, values)


def test_the_start_is_xavier_and_the_generator_s_alone(batch: Any) -> None:
    state = torch.get_rng_state()
    one, same, other = (GIN(3, hidden_dim=64, generator=generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in one.named_parameters():
        assert torch.equal(value, same.get_parameter(name))
        if value.ndim == 2:
            assert not torch.equal(value, other.get_parameter(name))
            bound = (6 / sum(value.shape)) ** 0.5
            assert bound * 0.9 < float(value.abs().max()) <= bound
    assert one.embedding_dim == 192


def test_a_graph_without_nodes_has_zeros() -> None:
    none = Data(x=torch.empty(0, 3), edge_index=torch.empty(2, 0, dtype=torch.int64))
    two = [graph.apply(lambda value: value.float() if value.is_floating_point() else value) for graph in graphs()]
    out = GIN(3, generator=generator(1))(Batch.from_data_list([two[0], none]))
    assert out[1].abs().sum() == 0 < out[0].abs().sum()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_layers": 0}, "num_layers must be in 1 .. 64, got 0"),
        ({"hidden_dim": 0}, "hidden_dim must be at least 1, got 0"),
        ({"num_features": 0}, "num_features must be at least 1, got 0"),
    ],
)
def test_sizes_out_of_range(change: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=f"GIN: {message}"):
        GIN(**({"num_features": 3} | change), generator=generator(0))


def test_batches_that_do_not_fit(batch: Any) -> None:
    encoder = GIN(3, generator=generator(0))
    with pytest.raises(UserError, match=r"x of the batch must be torch.float32 of width 3, got torch.float64"):
        encoder(batch)
    batch.x = batch.x[:, :2].float()
    with pytest.raises(UserError, match=r"of width 3, got torch.float32 of shape \(11, 2\)"):
        encoder(batch)
    del batch.x
    with pytest.raises(UserError, match="of width 3, got None"):
        encoder(batch)
    single = Batch.from_data_list([Data(x=torch.ones(1, 3), edge_index=torch.empty(2, 0, dtype=torch.int64))])
    with pytest.raises(UserError, match="nodes of a batch in training must be at least 2, got 1; use larger"):
        encoder(single)
    assert encoder.eval()(single).shape == (1, 96)


@pytest.mark.gpu
def test_a_gpu_gives_the_same(batch: Any) -> None:
    encoder = GIN(3, generator=generator(0)).double()
    here = encoder(batch)
    torch.testing.assert_close(encoder.cuda()(batch.clone().to("cuda")).cpu(), here)


@pytest.mark.slow
@pytest.mark.data
def test_graphcl_on_mutag_is_within_reach_of_the_published_figure(data_root: Path) -> None:
    """Its recipe by hand: 20 epochs, batches of 128, rate .01, temperature .2; published 86.8."""
    if not (data_root / "tu" / "MUTAG").is_dir():
        pytest.skip("tu/MUTAG is absent in SGL_REC_DATA")
    graphs = read_tu(data_root / "tu" / "MUTAG")
    encoder = GIN(graphs.num_features, generator=generator(0))
    width = encoder.embedding_dim
    with scope(generator(1)):
        head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
    adam = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.01)
    draws = generator(2)
    for _ in range(20):
        for rows in torch.split(torch.randperm(len(graphs), generator=draws), 128):
            batch = graphs.batch(rows)
            views = drop_nodes(batch, generator=draws), walk_subgraph(batch, generator=draws)
            both = torch.cat([head(encoder(view)) for view in views])
            ids = torch.arange(len(both))
            loss = info_nce(both, both, ids.roll(len(rows)), temperature=0.2, anchor_id=ids, candidate_id=ids)
            adam.zero_grad()
            loss.mean().backward()
            adam.step()
    with torch.no_grad():
        embedding = encoder.eval()(graphs.batch(torch.arange(len(graphs))))
    assert svm(embedding, graphs.label, generator=draws)["accuracy"] > 0.868 - 0.015
