"""How long does it take to rank a whole catalogue for every user, and how much memory, beside the exact peers?

Each contender lists the K best items of all users of one data set, without their training items where it can
leave these out, in a process of its own: seconds (the median of some rounds; the contenders take turns, so that
all see the same machine), peak memory above what was held at the start, and the share of the lists' places that
agree with float64 scores. Beside them stand the floors: the bare products, in blocks that stay in the cache.

    SGL_REC_DATA=... python benchmarks/bench_top_k.py

The peers are not dependencies; whichever is absent is skipped: pip install faiss-cpu implicit
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import re
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np


@dataclass
class Task:
    """What is ranked: the tables, the training items of each user as CSR, and how."""

    user: np.ndarray
    item: np.ndarray
    start: np.ndarray
    seen: np.ndarray
    k: int
    threads: int
    mask: bool

    @property
    def flop(self) -> float:
        return 2.0 * len(self.user) * len(self.item) * self.user.shape[1]


@dataclass
class Seen:
    """What a contender was seen to do."""

    seconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    lists: np.ndarray | None = None


Run = Callable[[], np.ndarray | None]


def ours(task: Task, backend: str) -> Run:
    import torch

    from sgl_rec.kernels.backend import using
    from sgl_rec.ranking import rank
    from sgl_rec.types import Embeddings, PairIndex

    taste = Embeddings(torch.from_numpy(task.user), torch.from_numpy(task.item))
    pairs = PairIndex(torch.from_numpy(task.start), torch.from_numpy(task.seen), len(task.item))

    def run() -> np.ndarray:
        with using(backend):
            blocks = rank(taste, k=task.k, seen=pairs if task.mask else None)
            return np.concatenate([block.item.numpy() for block in blocks])

    return run


def faiss_flat(task: Task) -> Run:
    import faiss

    faiss.omp_set_num_threads(task.threads)
    index = faiss.IndexFlatIP(task.item.shape[1])
    index.add(task.item)
    return lambda: index.search(task.user, task.k)[1]


def implicit_topk(task: Task) -> Run:
    import scipy.sparse as sp
    from implicit.cpu.topk import topk

    shape = (len(task.user), len(task.item))
    pairs = sp.csr_matrix((np.ones(len(task.seen), np.float32), task.seen, task.start), shape=shape)
    asked = pairs if task.mask else None
    return lambda: topk(task.item, task.user, task.k, filter_query_items=asked, num_threads=task.threads)[0]


def numpy_argpartition(task: Task) -> Run:
    def run() -> np.ndarray:
        lists = []
        for first in range(0, len(task.user), 256):
            scores = task.user[first : first + 256] @ task.item.T
            if task.mask:
                place = task.start[first : first + 257]
                scores[
                    np.repeat(np.arange(len(scores)), np.diff(place)), task.seen[place[0] : place[-1]]
                ] = -np.inf
            best = np.argpartition(-scores, task.k, axis=1)[:, : task.k]
            order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
            lists.append(np.take_along_axis(best, order, axis=1))
        return np.concatenate(lists)

    return run


def product(task: Task, dtype: str) -> Run:
    import torch

    user, item = (torch.from_numpy(table).to(getattr(torch, dtype)) for table in (task.user, task.item))
    buffer = torch.empty(256, len(item), dtype=user.dtype)

    def run() -> None:
        for part in user.split(len(buffer)):
            torch.mm(part, item.T, out=buffer[: len(part)])

    return run


CONTENDERS: dict[str, Callable[[Task], Run]] = {
    "ours": lambda task: ours(task, "auto"),
    "ours, torch backend": lambda task: ours(task, "torch"),
    "faiss IndexFlatIP": faiss_flat,
    "implicit topk": implicit_topk,
    "numpy argpartition": numpy_argpartition,
    "product, float32": lambda task: product(task, "float32"),
    "product, bfloat16": lambda task: product(task, "bfloat16"),
}
MASKS = {"ours", "ours, torch backend", "implicit topk", "numpy argpartition"}


@click.command()
@click.option("--dataset", default="yelp2018", show_default=True)
@click.option("--split", default="standard", show_default=True)
@click.option(
    "--embeddings",
    type=click.Choice(["random", "spectral"]),
    default="spectral",
    show_default=True,
    help="Standard normal, or the singular vectors of the normalised training matrix.",
)
@click.option("--dim", default=64, show_default=True)
@click.option("--k", default=20, show_default=True)
@click.option("--rounds", default=5, show_default=True, help="Counted rounds, after one that is not.")
@click.option("--threads", default=2, show_default=True)
def main(dataset: str, split: str, embeddings: str, dim: int, k: int, rounds: int, threads: int) -> None:
    for mask in (True, False):
        task = make_task(dataset, split, embeddings, dim, k, threads, mask)
        names = [name for name in CONTENDERS if mask <= (name in MASKS) or name.startswith("product")]
        print(
            f"{dataset}, {embeddings} embeddings, {len(task.user):,} users x {len(task.item):,} items, "
            f"D = {dim}, K = {k}, {threads} threads, training items {'left out' if mask else 'ranked too'}",
            flush=True,
        )
        report(task, dict(race(task, names, rounds)))


def race(task: Task, names: list[str], rounds: int) -> Iterator[tuple[str, Seen]]:
    """Every contender in its own process; they take turns."""
    context = multiprocessing.get_context("spawn")
    pipes: dict[str, multiprocessing.connection.Connection] = {}
    found = {name: Seen() for name in names}
    for name in names:
        here, there = context.Pipe()
        context.Process(target=contend, args=(there, name, task, rounds), daemon=True).start()
        if (answer := here.recv()) is None:
            pipes[name] = here
        else:
            print(f"  {name} is absent ({answer}); to see it: pip install faiss-cpu implicit")
    for _ in range(rounds):
        for name, pipe in pipes.items():
            pipe.send(None)
            found[name].seconds.append(pipe.recv())
    for name, pipe in pipes.items():
        pipe.send(None)
        found[name].peak_mb, found[name].lists = pipe.recv()
        yield name, found[name]


def contend(pipe: multiprocessing.connection.Connection, name: str, task: Task, rounds: int) -> None:
    import torch

    torch.set_num_threads(task.threads)
    try:
        run = CONTENDERS[name](task)
    except ImportError as error:
        pipe.send(str(error))
        return
    forget_peak()
    base = resident_mb("VmRSS")
    lists = run()
    peak = resident_mb("VmHWM") - base
    pipe.send(None)
    for _ in range(rounds):
        pipe.recv()
        begin = time.perf_counter()
        run()
        pipe.send(time.perf_counter() - begin)
    pipe.recv()
    pipe.send((peak, lists))


def make_task(dataset: str, split: str, embeddings: str, dim: int, k: int, threads: int, mask: bool) -> Task:
    import scipy.sparse as sp
    from scipy.sparse.linalg import svds

    from sgl_rec.pipeline.train import prepare
    from sgl_rec.types import PairIndex

    train = prepare(dataset, method="lightgcn", split=split).split.train
    pairs = PairIndex.build([train])
    start, seen = pairs.start.numpy(), pairs.item.numpy()
    if embeddings == "random":
        generator = np.random.default_rng(0)
        user, item = (
            generator.standard_normal((rows, dim), np.float32) for rows in (train.num_users, train.num_items)
        )
    else:
        left, right = (np.maximum(degree, 1) ** -0.5 for degree in (train.user_degree(), train.item_degree()))
        weight = (left[train.user] * right[train.item]).astype(np.float32)
        matrix = sp.csr_matrix((weight, (train.user, train.item)), shape=(train.num_users, train.num_items))
        vectors, values, others = svds(matrix, k=dim, random_state=0)
        user, item = np.ascontiguousarray(vectors * values), np.ascontiguousarray(others.T)
    return Task(user, item, start, seen, k, threads, mask)


def report(task: Task, found: dict[str, Seen]) -> None:
    rows = np.random.default_rng(1).choice(len(task.user), size=500, replace=False)
    exact = task.user[rows].astype(np.float64) @ task.item.T.astype(np.float64)
    if task.mask:
        for place, row in enumerate(rows):
            exact[place, task.seen[task.start[row] : task.start[row + 1]]] = -np.inf
    best = np.argsort(-exact, axis=1, kind="stable")[:, : task.k]
    mine = statistics.median(found["ours"].seconds)
    for name, seen in found.items():
        median = statistics.median(seen.seconds)
        line = f"  {name:22} {median:6.3f} s  {median / mine:5.2f} x ours  {seen.peak_mb:6.0f} MB"
        if seen.lists is None:
            line += f"  {task.flop / median / 1e9:.0f} GFLOP/s"
        else:
            shared = [len(np.intersect1d(one, two)) for one, two in zip(seen.lists[rows], best, strict=True)]
            line += f"  recall {np.mean(shared) / task.k:.6f}"
        print(line, flush=True)


def resident_mb(which: str) -> float:
    """Resident size of this process in MB of 10^6 bytes, of now (VmRSS) or the largest so far (VmHWM); Linux."""
    found = re.search(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


def forget_peak() -> None:
    """A new process begins with the peak of the one that started it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


if __name__ == "__main__":
    main()
