"""Do time and memory per interaction stay flat as the data grows?

Generates interactions with power-law degrees on both sides (users and items grow with them, about 40 each), every
size in a process of its own, and prints for each size what one interaction costs: nanoseconds, and bytes of
memory at the peak above what was held before (what a stage leaves behind included). Stages: the graph; two
edge-drop views of it; the index of what is touched, once, and an epoch of batches of 2048 with their negatives;
one step of SGL-ED (3 layers, D = 64, batch 2048, in-batch candidates). Beside them in the same process: SciPy's
COO to CSR in both directions for the graph; for the step its hops alone, as PyTorch's sparse CSR product, and the
floor of these hops: their bytes over the bandwidth of a table of that size.

    python benchmarks/bench_scale.py --size 1e5 --size 1e6 --size 3e6 --size 1e7 --size 3e7
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import numpy as np
from epoch_floor import floor

MEAN_DEGREE = 40
CHUNK = 2_000_000
SMALL = 1_000_000  # up to here a stage is timed five times, above it three times; the index and the epoch once
HOPS = 3 * 3 * 2  # layers; the graph and two views; forward and backward
STAGES = ("graph", "two views", "index", "epoch of batches", "step")


@click.command()
@click.option("--size", "sizes", multiple=True, default=("1e5", "1e6", "3e6", "1e7"), show_default=True)
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32", show_default=True)
def main(sizes: tuple[str, ...], threads: int | None, precision: str) -> None:
    beside = "SciPy's CSR: ns (x) | hops by PyTorch's CSR: ns (x) | floor of the hops: ns"
    stages = " | ".join(f"{stage}: ns, B" for stage in STAGES)
    print(f"| interactions | users, items | {stages} | peak B | {beside} |")
    print("|---" * (len(STAGES) + 6) + "|")
    for size in sizes:
        receiving, sending = multiprocessing.get_context("spawn").Pipe(duplex=False)
        arguments = (int(float(size)), threads, precision, sending)
        process = multiprocessing.get_context("spawn").Process(target=measure, args=arguments)
        process.start()
        sending.close()
        try:
            print(receiving.recv(), flush=True)
        except EOFError:
            print(f"| {size}: the process ended without a result (out of memory?) |", flush=True)
        process.join()


def measure(count: int, threads: int | None, precision: str, result: Connection) -> None:
    from sgl_rec.pipeline.device import set_threads

    set_threads(threads)
    run_stages(10_000, precision)  # compiles
    base = resident("VmRSS")
    num_users, figures, count = run_stages(count, precision)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - base
    cells = [f"{seconds / count * 1e9:.1f}, {held / count:.0f}" for seconds, held in figures]
    csr, products, least = peers(count, precision, threads)
    beside = [
        f"{csr / count * 1e9:.1f} ({csr / figures[0][0]:.1f} x)",
        f"{products / count * 1e9:.1f} ({products / figures[-1][0]:.1f} x)",
        f"{least / count * 1e9:.1f}",
    ]
    result.send(
        f"| {count:,} | {num_users:,} each | {' | '.join(cells)} | {peak / count:.0f} | {' | '.join(beside)} |"
    )


def peers(count: int, precision: str, threads: int | None) -> tuple[float, float, float]:
    """Seconds of SciPy's two CSR forms, of a step's hops by PyTorch's CSR product, and of the hops' floor."""
    import scipy.sparse
    import torch

    train = generated(count)
    nodes = train.num_users + train.num_items
    pairs = scipy.sparse.coo_array(
        (np.ones(len(train), np.float32), (train.user, train.item)), (train.num_users, train.num_items)
    )
    _, csr, _ = staged(lambda: (pairs.tocsr(), pairs.T.tocsr()), 3)
    whole = scipy.sparse.block_array([[None, pairs], [pairs.T, None]]).tocsr()
    adjacency = torch.sparse_csr_tensor(
        torch.from_numpy(whole.indptr.astype(np.int32)), torch.from_numpy(whole.indices.astype(np.int32)),
        torch.from_numpy(whole.data), whole.shape, check_invariants=False,
    )  # fmt: skip
    hops = HOPS * [whole.nnz]
    del pairs, whole, train
    x = torch.randn(nodes, 64)
    _, product, _ = staged(lambda: adjacency @ x, 3)
    work = {"hops": hops, "products": [], "nodes": nodes, "dim": 64}
    return csr, HOPS * product, floor(work, precision, "cpu", threads)["hops"]


def run_stages(count: int, precision: str) -> tuple[int, list[tuple[float, int]], int]:
    """Users, (seconds, bytes at the peak) of each stage, and the interactions there really are."""
    import torch

    from sgl_rec.data.batches import Batches
    from sgl_rec.graph.build import build_graph
    from sgl_rec.pipeline.build import make_encoder, make_objective
    from sgl_rec.pipeline.memory import kept_memory
    from sgl_rec.training.learner import GraphLearner
    from sgl_rec.training.loop import Trainer
    from sgl_rec.views.edge_drop import edge_drop

    config = method(precision)
    train = generated(count)
    repeats = 5 if count <= SMALL else 3
    generator = torch.Generator().manual_seed(0)
    graph, *built = staged(partial(build_graph, train), repeats)
    drop = partial(edge_drop, graph, drop_rate=0.1, generator=generator)
    views, *drawn = staged(lambda: (drop(), drop()), repeats)
    batches, *indexed = staged(partial(Batches, train, batch_size=2048, seed=0), 1)

    def epoch() -> None:
        one = batches.epoch(0)
        for step in range(batches.num_steps):
            one.batch(step)

    _, *sampled = staged(epoch, 1)
    trainer = Trainer(
        GraphLearner(
            make_encoder(config, num_users=train.num_users, num_items=train.num_items),
            make_objective(config),
            graph=graph,
            draw_views=lambda epoch, step: views,
        ),
        batches=batches,
        learning_rate=1e-3,
        max_epochs=1,
    )
    batch = batches.epoch(0).batch(0)
    first = staged(lambda: trainer.step(batch, views), 1)  # makes the optimiser's state: memory, not time
    with kept_memory():
        trainer.step(batch, views)
        _, seconds, _ = staged(lambda: trainer.step(batch, views), 5)
    figures = [tuple(built), tuple(drawn), tuple(indexed), tuple(sampled), (seconds, first[2])]
    return train.num_users, figures, len(train)


def staged(run: Callable[[], Any], repeats: int) -> tuple[Any, float, int]:
    """What ``run`` gives, its median seconds, and by how much the process grew at its peak the first time."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is held now
    before, seconds, grown, result = resident("VmRSS"), [], 0, None
    for _ in range(repeats):
        result = None
        begin = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - begin)
        grown = grown or resident("VmHWM") - before
    return result, statistics.median(seconds), grown


def resident(field: str) -> int:
    """Bytes of this process: ``VmRSS`` held now, ``VmHWM`` at the most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"Linux tells {field}")


def method(precision: str) -> Any:
    """The shipped SGL-ED with in-batch candidates."""
    from sgl_rec.config import method_file, parse
    from sgl_rec.pipeline.build import resolve
    from sgl_rec.settings import merge, read_toml

    over = {"loss": {"contrastive": {"candidates": "batch"}}, "training": {"precision": precision}}
    file = method_file("sgl-ed", dataset="")
    return resolve(parse(merge(read_toml(file), over), where=str(file)))


def generated(count: int, *, seed: int = 0) -> Any:
    """``count`` distinct pairs (or a few less), shuffled; drawn in chunks of users, so that memory stays bounded.

    Degrees of users have a density falling as the power 2.5; an item is drawn by its rank's power -0.6.
    """
    from sgl_rec.types import Interactions

    generator = np.random.default_rng(seed)
    num = max(2, count // MEAN_DEGREE)
    smallest = 0.36 * MEAN_DEGREE  # a third gives the mean; more for the pairs drawn twice
    degree = np.minimum(smallest * generator.random(num) ** (-1 / 1.5), num / 4).astype(np.int64)
    name = generator.permutation(num)
    bounds = np.searchsorted(np.cumsum(degree), np.arange(0, degree.sum() + CHUNK, CHUNK))
    keys = np.concatenate([pairs(degree, begin, end, name, generator) for begin, end in pairwise(bounds)])
    generator.shuffle(keys)
    keys = keys[:count].copy()
    user = keys >> 32
    keys &= 2**32 - 1
    return Interactions(user, keys, num, num)


def pairs(
    degree: np.ndarray, begin: int, end: int, name: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Distinct ``user * 2^32 + item`` of the users [begin, end)."""
    keys = np.repeat(np.arange(begin, end) << 32, degree[begin:end])
    power = 1 - 0.6
    rank = (generator.random(len(keys)) * ((len(name) + 1) ** power - 1) + 1) ** (1 / power) - 1
    keys |= name[np.minimum(rank.astype(np.int64), len(name) - 1)]
    keys.sort()
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]]


if __name__ == "__main__":
    main()
