"""How long does a hop over the graph take, LightGCN's forward and backward, and its whole BPR step?

Prints Markdown tables, with PyTorch's and torch-geometric's ways of doing the same beside ours, all by turns in
one process (medians), and a floor: the bytes of one hop (a column index and a neighbour's row for every entry,
the scales, the result) at the better rate of a copy and a sum of x in the same run.

    SGL_REC_DATA=... python benchmarks/bench_propagate.py --dataset yelp2018
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import click
import torch
from torch import Tensor, nn

from sgl_rec.data.batches import Batches
from sgl_rec.graph.build import build_graph
from sgl_rec.kernels import propagate_scatter
from sgl_rec.kernels.propagate import hop, propagate
from sgl_rec.pipeline.build import make_encoder, make_objective
from sgl_rec.pipeline.device import environment, set_threads
from sgl_rec.pipeline.train import Prepared, prepare
from sgl_rec.training.learner import GraphLearner
from sgl_rec.training.loop import Trainer
from sgl_rec.types import Adjacency, Batch, Noise, Precision

SPLITS = {"yelp2018": "standard", "gowalla": "standard", "ml-1m": "lightgcnpp"}
LAYERS, WIDTH, BATCH = 3, 64, 2048
WEIGHTS = (1 / (LAYERS + 1),) * (LAYERS + 1)


@click.command()
@click.option("--dataset", type=click.Choice(sorted(SPLITS)), default="yelp2018", show_default=True)
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
@click.option("--repeats", default=11, show_default=True, help="Counted calls of each, after two that are not.")
@click.option("--step/--no-step", default=True, show_default=True, help="Measure the training step too.")
def main(dataset: str, threads: int | None, repeats: int, step: bool) -> None:
    used = set_threads(threads)
    facts = environment(torch.device("cpu"))
    precisions: tuple[Precision, ...] = get_args(Precision)
    ways = {
        name: prepare(
            dataset, method="lightgcn", split=SPLITS[dataset], settings={"training": {"precision": name}}
        )
        for name in (precisions if step else precisions[:1])
    }
    prepared = ways["float32"]
    adjacency = build_graph(prepared.split.train).layers[0]
    print(
        f"{dataset}: N = {adjacency.num_nodes:,}, {len(adjacency.column):,} entries, D = {WIDTH}; "
        f"{facts['processor']}, {used} threads, torch {facts['torch']}\n",
        flush=True,
    )
    if propagate_scatter.source() != "torch_scatter":
        print("torch-scatter is absent: pip install --no-build-isolation torch-scatter\n")
    matrices = Matrices.of(adjacency)
    x = torch.randn(adjacency.num_nodes, WIDTH)
    table("one hop", hops(matrices, adjacency, x), repeats, "PyTorch CSR int32", floors(adjacency, x, repeats))
    table(
        f"forward and backward, L = {LAYERS}",
        encoders(matrices, adjacency, x.clone().requires_grad_()),
        repeats,
        "PyTorch CSR int32",
    )
    if step:
        table(
            f"LightGCN + BPR step, batch {BATCH}, L = {LAYERS}",
            steps(ways),
            max(3, repeats // 3),
            "torch-geometric LightGCN",
        )


@dataclass(frozen=True)
class Matrices:
    """One matrix as the peers hold it, values and all."""

    coo: Tensor
    csr32: Tensor
    csr64: Tensor

    @classmethod
    def of(cls, adjacency: Adjacency) -> Matrices:
        row, column = adjacency.row, adjacency.column.long()
        values = adjacency.left[row] * adjacency.right[column]
        size = (adjacency.num_nodes, adjacency.num_nodes)
        pointers = adjacency.row_start, adjacency.column
        return cls(
            torch.sparse_coo_tensor(torch.stack([row, column]), values, size).coalesce(),
            torch.sparse_csr_tensor(*pointers, values, size),
            torch.sparse_csr_tensor(*(one.long() for one in pointers), values, size),
        )

    def edge_index(self) -> Tensor:
        """torch-geometric's, sorted by row, as its matmul asks."""
        from torch_geometric import EdgeIndex

        indices, size = self.coo.indices(), tuple(self.coo.shape)
        return EdgeIndex(indices, sparse_size=size, sort_order="row", is_undirected=True).fill_cache_()


def hops(matrices: Matrices, adjacency: Adjacency, x: Tensor) -> dict[str, Callable[[], object]]:
    index, values = matrices.edge_index(), matrices.coo.values()
    return {
        "PyTorch COO": lambda: matrices.coo @ x,
        "PyTorch CSR int32": lambda: matrices.csr32 @ x,
        "PyTorch CSR int64": lambda: matrices.csr64 @ x,
        "torch-geometric EdgeIndex": lambda: index.matmul(x, values),
        f"ours, scatter ({propagate_scatter.source()})": lambda: hop(adjacency, x, backend="scatter"),
        "ours, torch": lambda: hop(adjacency, x, backend="torch"),
        "ours, cpu": lambda: hop(adjacency, x, backend="cpu"),
        "ours, cpu, bfloat16": lambda: hop(adjacency, x, backend="cpu", precision="bfloat16"),
    }


def encoders(matrices: Matrices, adjacency: Adjacency, x: Tensor) -> dict[str, Callable[[], object]]:
    """The mean of all layers and its gradient, with autograd over the peers' products."""
    index, values = matrices.edge_index(), matrices.coo.values()
    gradient = torch.randn(x.shape)

    def by(product: Callable[[Tensor], Tensor]) -> Callable[[], object]:
        def run() -> None:
            layers = [x]
            for _ in range(LAYERS):
                layers.append(product(layers[-1]))
            x.grad = None
            torch.stack(layers).mean(0).backward(gradient)

        return run

    def ours(backend: str, precision: Precision, noise: Noise | None = None) -> Callable[[], object]:
        def run() -> None:
            x.grad = None
            same = [adjacency] * LAYERS
            total = propagate(same, x, weights=WEIGHTS, noise=noise, precision=precision, backend=backend)
            assert isinstance(total, Tensor)
            total.backward(gradient)

        return run

    return {
        "PyTorch COO": by(lambda layer: matrices.coo @ layer),
        "PyTorch CSR int32": by(lambda layer: matrices.csr32 @ layer),
        "PyTorch CSR int64": by(lambda layer: matrices.csr64 @ layer),
        "torch-geometric EdgeIndex": by(lambda layer: index.matmul(layer, values)),
        "ours, torch": ours("torch", "float32"),
        "ours, cpu": ours("cpu", "float32"),
        "ours, cpu, bfloat16": ours("cpu", "bfloat16"),
        "ours, cpu, with noise": ours("cpu", "float32", Noise(0.1, 7)),
        "ours, cpu, bfloat16, with noise": ours("cpu", "bfloat16", Noise(0.1, 7)),
    }


def steps(ways: dict[Precision, Prepared]) -> dict[str, Callable[[], object]]:
    """Our step in each precision, and torch-geometric's in float32."""
    ours, peers = {}, {}
    for precision, prepared in ways.items():
        ours[f"ours, {precision}"], peers["torch-geometric LightGCN"] = both_steps(prepared)
    return {**peers, **ours}


def both_steps(prepared: Prepared) -> tuple[Callable[[], object], Callable[[], object]]:
    train, config = prepared.split.train, prepared.config
    batch = Batches(train, batch_size=BATCH, seed=0).epoch(0).batch(0)
    graph = build_graph(train)
    trainer = Trainer(
        GraphLearner(
            make_encoder(config, num_users=train.num_users, num_items=train.num_items),
            make_objective(config),
            graph=graph,
            draw_views=lambda epoch, step: (),
        ),
        batches=Batches(train, batch_size=BATCH, seed=0),
        learning_rate=1e-3,
        max_epochs=1,
    )
    peer = peer_step(graph.layers[0], train.num_users, batch)
    return lambda: trainer.step(batch, ()), peer


def peer_step(adjacency: Adjacency, num_users: int, batch: Batch) -> Callable[[], object]:
    from torch_geometric.nn import LightGCN

    model: nn.Module = LightGCN(adjacency.num_nodes, WIDTH, LAYERS)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    edges = torch.stack([adjacency.row, adjacency.column.long()])
    positive = torch.stack([batch.user, batch.positive + num_users])
    negative = torch.stack([batch.user, batch.negative + num_users])
    nodes = torch.cat([positive, negative], 1).unique()

    def run() -> None:
        optimizer.zero_grad()
        ranks = model(edges, torch.cat([positive, negative], 1))
        half = len(ranks) // 2
        loss = model.recommendation_loss(ranks[:half], ranks[half:], node_id=nodes)
        loss.backward()
        optimizer.step()

    return run


def floors(adjacency: Adjacency, x: Tensor, repeats: int) -> dict[str, float]:
    """Seconds of the bytes of one hop, in each precision, at the better of two rates."""
    entries, whole = len(adjacency.column), x.numel() * x.element_size()
    target = torch.empty_like(x)
    seconds = medians({"copy": lambda: target.copy_(x), "sum": lambda: x.sum()}, repeats)
    rate = max(2 * whole / seconds["copy"], whole / seconds["sum"])
    found = {}
    for name, itemsize in (("float32", 4), ("bfloat16", 2)):
        num_bytes = entries * (x.shape[1] * itemsize + 4) + whole + 12 * adjacency.num_nodes
        found[f"floor, {name}: {num_bytes / 1e9:.2f} GB at {rate / 1e9:.0f} GB/s"] = num_bytes / rate
    return found


def medians(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Seconds of each, called by turns so that all meet the same machine."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 2):
        for name, run in ways.items():
            begin = time.perf_counter()
            run()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(one) for name, one in seconds.items()}


def table(
    title: str,
    ways: dict[str, Callable[[], object]],
    repeats: int,
    peer: str,
    floor: dict[str, float] | None = None,
) -> None:
    seconds = medians(ways, repeats) | (floor or {})
    print(f"| {title} | ms | times as fast as {peer} |\n|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {1e3 * value:.2f} | {seconds[peer] / value:.2f} |")
    print(flush=True)


if __name__ == "__main__":
    main()
