"""How long does it take to draw the views and the negatives?

Prints a Markdown table: the milliseconds of two views (new degrees and scales included) and of the negatives of
a batch and of an epoch, by each backend and, beside them, by what peers do: two views sampled in NumPy, built and
normalised in SciPy and handed to PyTorch as a sparse tensor, and negatives drawn in NumPy and drawn again where
they are known. All by turns in one process (medians). The floor is the bytes that must be read and written over
the rate of a copy.

    SGL_REC_DATA=... python benchmarks/bench_draw.py --dataset yelp2018
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import click
import numpy as np
import torch

from sgl_rec.graph.build import build_graph
from sgl_rec.kernels.backend import using
from sgl_rec.kernels.sample import DrawWeights, popularity_weight, sample_negatives
from sgl_rec.pipeline.device import environment, set_threads
from sgl_rec.pipeline.train import prepare
from sgl_rec.types import Graph, Interactions, PairIndex, concatenate
from sgl_rec.views.edge_drop import edge_drop
from sgl_rec.views.layerwise_edge_drop import layerwise_edge_drop
from sgl_rec.views.node_drop import node_drop
from sgl_rec.views.walk_subgraph import walk_subgraph

RATE = 0.1
BATCH = 2048
VIEWS = {
    "edge_drop": partial(edge_drop, drop_rate=RATE),
    "node_drop": partial(node_drop, drop_rate=RATE),
    "layerwise_edge_drop, 3 layers": partial(layerwise_edge_drop, drop_rate=RATE, num_layers=3),
    "walk_subgraph, 3000 walks of 8": partial(walk_subgraph, num_seeds=3000, walk_length=8, restart=0.1),
}


@click.command()
@click.option("--dataset", default="yelp2018", show_default=True)
@click.option("--split", default="standard", show_default=True)
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
@click.option("--repeats", default=9, show_default=True, help="Counted calls of each, after one that is not.")
def main(dataset: str, split: str, threads: int | None, repeats: int) -> None:
    used = set_threads(threads)
    data = prepare(dataset, method="sgl-ed", split=split).split
    train = concatenate([data.train, data.valid])
    facts, rate = environment(torch.device("cpu")), copy_rate()
    print(
        f"{dataset}, train and validation: {train.num_users:,} users, {train.num_items:,} items, {len(train):,} "
        f"interactions; {facts['processor']}, {used} threads, torch {facts['torch']}; a copy reads and writes "
        f"{rate / 1e9:.1f} GB/s\n\n"
        f"| what | ours, ms | torch, ms | peer, ms | torch / ours | peer / ours | floor, ms |\n|{'---|' * 7}"
    )
    graph = build_graph(train)
    for name, view in VIEWS.items():
        contenders = {backend: partial(two_views, graph, view, backend) for backend in ("auto", "torch")}
        if name == "edge_drop":
            contenders["peer"] = partial(two_by_scipy, train)
        moved = 2 * moved_bytes(graph, view(graph, generator=torch.Generator().manual_seed(0)))
        row(f"two views, {name}", by_turns(contenders, repeats), moved / rate)
    negatives(train, rate, repeats)


def negatives(train: Interactions, rate: float, repeats: int) -> None:
    touched = PairIndex.build([train])
    weight = popularity_weight(torch.from_numpy(train.item_degree()), power=0.75)
    weights = DrawWeights.build(weight, touched=touched)
    everyone = torch.from_numpy(train.user)[torch.from_numpy(np.random.default_rng(0).permutation(len(train)))]
    known = np.sort(train.user * train.num_items + train.item)
    for label, users in (("a batch of 2048", everyone[:BATCH]), (f"{len(train):,}", everyone)):
        for kind, given in (("uniform", None), ("by popularity", weights)):
            draw = partial(
                sample_negatives, users, touched=touched, key=1, num_items=train.num_items, weights=given
            )
            contenders = {backend: partial(draw, backend=backend) for backend in ("auto", "torch")}
            if given is None:
                contenders["peer"] = partial(by_rejection, users.numpy(), known, train.num_items)
            times = by_turns(contenders, repeats if len(users) > BATCH else 20 * repeats)
            # A user read, where its row begins and ends, and the item written.
            row(f"negatives, {label}, {kind}", times, len(users) * 32 / rate)
            if len(users) > BATCH:
                print(f"| (millions a second) | {len(users) / times['auto'] / 1e6:.1f} |")


def two_views(graph: Graph, view: Callable[..., Graph], backend: str) -> None:
    generator = torch.Generator().manual_seed(0)
    with using(backend):
        for _ in range(2):
            view(graph, generator=generator)


def two_by_scipy(train: Interactions) -> None:
    """SGL's way: an exact count of interactions, a sparse matrix, its degrees, two diagonal products."""
    import scipy.sparse as sp

    generator, size = np.random.default_rng(0), train.num_users + train.num_items
    for _ in range(2):
        kept = generator.choice(len(train), int(len(train) * (1 - RATE)), replace=False)
        ones, place = np.ones(len(kept), np.float32), (train.user[kept], train.item[kept] + train.num_users)
        half = sp.csr_matrix((ones, place), shape=(size, size))
        whole = half + half.T
        with np.errstate(divide="ignore"):
            scale = np.power(np.asarray(whole.sum(1)).ravel(), -0.5)
        scale[np.isinf(scale)] = 0.0
        matrix = (sp.diags(scale) @ whole @ sp.diags(scale)).tocoo()
        index = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
        torch.sparse_coo_tensor(index, torch.from_numpy(matrix.data), matrix.shape, check_invariants=False)


def by_rejection(users: np.ndarray, known: np.ndarray, num_items: int) -> None:
    """A random item for each row, drawn again for the rows that know theirs."""
    generator = np.random.default_rng(0)
    items, rows = np.empty(len(users), np.int64), np.arange(len(users))
    while len(rows):
        items[rows] = generator.integers(0, num_items, len(rows))
        keys = users[rows] * num_items + items[rows]
        rows = rows[known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys]


def by_turns(contenders: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each contender."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, run in contenders.items():
            begin = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def row(name: str, seconds: Mapping[str, float], floor: float) -> None:
    ours, plain, peer = seconds["auto"], seconds["torch"], seconds.get("peer")
    theirs, ratio = ("", "") if peer is None else (f"{peer * 1e3:.2f}", f"{peer / ours:.1f}")
    print(
        f"| {name} | {ours * 1e3:.3f} | {plain * 1e3:.2f} | {theirs} | {plain / ours:.1f} | {ratio} | "
        f"{floor * 1e3:.3f} |",
        flush=True,
    )


def moved_bytes(graph: Graph, view: Graph) -> int:
    """The pattern read once, the view's patterns and scales written."""
    read = graph.layers[0]
    written = sum(4 * (len(one.row_start) + len(one.column) + len(one.left)) for one in view.layers)
    return 4 * (len(read.row_start) + len(read.column)) + written


def copy_rate() -> float:
    """Bytes read and written a second by a copy that does not fit a cache."""
    source = torch.ones(2**26)
    target = torch.empty_like(source)
    seconds = by_turns({"copy": partial(target.copy_, source)}, 7)["copy"]
    return 2 * source.numel() * source.element_size() / seconds


if __name__ == "__main__":
    main()
