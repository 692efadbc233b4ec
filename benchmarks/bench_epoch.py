"""How long does a training step take beside the peers, how long an epoch, and how much memory?

Each contender trains part of the first epoch in a process of its own; the processes alternate for some rounds.
Ours goes through the same objects as ``sgl-rec train``. The peer, where there is one, has the same training
interactions, loss, batch, layers and width: RecBole's SGL for SGL with all-node InfoNCE (in an environment of
its own, made on first use below ``--peers``), torch-geometric's LightGCN for LightGCN + BPR. Printed are seconds
a step (median; range over the rounds), to draw a batch's negatives and the views, for an epoch of these, to load
the data, the peak memory of the process (and what it was after the imports and before the model was made), the
ratios to the peer, of the memory with and without the imports, and the floor of our step.

    SGL_REC_DATA=... python benchmarks/bench_epoch.py --dataset ml-1m --split lightgcnpp --method sgl-ed
    SGL_REC_DATA=... python benchmarks/bench_epoch.py --dataset yelp2018 --method xsimgcl --precision bfloat16
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from epoch_floor import Clock, floor, floor_line
from peers import pyg_lightgcn, recbole_sgl
from peers.environment import NoPeerError, default_folder, recbole

if TYPE_CHECKING:
    from sgl_rec.pipeline.prepare import Prepared
    from sgl_rec.types import Graph

WIDTHS = (27, 11, 9, 10, 7, 26)
LOGGED = {
    ("ml-1m", "xsimgcl", "batch-unique"): 0.233,
    ("yelp2018", "xsimgcl", "batch-unique"): 0.71,
    ("yelp2018", "sgl-ed", "batch"): 1.79,
    ("yelp2018", "sgl-ed", "batch-unique"): 1.79,
}
"""SELFRec's seconds a step, logged elsewhere: not on this machine, not in this run."""


@dataclass(frozen=True)
class Job:
    """What every contender is asked to train."""

    dataset: str
    split: str
    method: str
    candidates: str | None
    device: str
    threads: int | None
    steps: int
    warmup: int

    def prepare(self, *, precision: str = "float32", backend: str = "auto") -> Prepared:
        from sgl_rec.pipeline.device import choose_device, set_threads
        from sgl_rec.pipeline.prepare import prepare

        set_threads(self.threads)
        settings: dict[str, Any] = {"training": {"precision": precision, "backend": backend}}
        if self.candidates is not None:
            settings["loss"] = {"contrastive": {"candidates": self.candidates}}
        return prepare(
            self.dataset,
            method=self.method,
            split=self.split,
            settings=settings,
            device=choose_device(self.device),
        )


@click.command()
@click.option("--dataset", default="ml-1m", show_default=True)
@click.option("--split", help="[default: lightgcnpp for ml-1m, else standard]")
@click.option("--method", default="sgl-ed", show_default=True)
@click.option(
    "--candidates", type=click.Choice(["all", "batch", "batch-unique"]), help="Of the contrastive term."
)
@click.option("--precision", "precisions", multiple=True, default=("float32", "bfloat16"), show_default=True)
@click.option("--backend", "backends", multiple=True, default=("auto",), show_default=True)
@click.option("--device", default="cpu", show_default=True)
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
@click.option("--steps", default=20, show_default=True, help="Counted steps of ours, in each round.")
@click.option("--peer-steps", default=10, show_default=True, help="Counted steps of the peer, in each round.")
@click.option("--warmup", default=2, show_default=True, help="Steps before those, by everyone.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--peers", type=click.Path(path_type=Path), default=default_folder(), show_default=True)
@click.option("--peer/--no-peer", default=True, show_default=True, help="Whether the peer runs too.")
def main(
    dataset: str,
    split: str | None,
    method: str,
    candidates: str | None,
    precisions: tuple[str, ...],
    backends: tuple[str, ...],
    device: str,
    threads: int | None,
    steps: int,
    peer_steps: int,
    warmup: int,
    rounds: int,
    peers: Path,
    peer: bool,
) -> None:
    split = split or ("lightgcnpp" if dataset == "ml-1m" else "standard")
    job = Job(dataset, split, method, candidates, device, threads, steps, warmup)
    about = in_process(describe, job)
    print(about["text"], flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found = choose_peer(
            job, about["peer"] if peer else None, peers=peers, folder=Path(folder), steps=peer_steps
        )
        mine = {
            " ".join(("ours", precision, *([] if backend == "auto" else [backend]))): (precision, backend)
            for backend in backends
            for precision in precisions
        }
        seen: dict[str, list[dict[str, Any]]] = {}
        floors: dict[str, list[dict[str, float]]] = {}
        for _ in range(rounds):
            for name, (precision, backend) in mine.items():
                seen.setdefault(name, []).append(in_process(ours, job, precision, backend))
                work = seen[name][0]["work"]
                floors.setdefault(precision, []).append(in_process(floor, work, precision, device, threads))
            if found is not None:
                seen.setdefault(found[0], []).append(found[1]())
    report(seen, peer=found[0] if found else None)
    for precision, parts in floors.items():
        print(floor_line(precision, parts))
    if elsewhere := LOGGED.get((Path(dataset).name, method, about["candidates"])):
        print(f"logged elsewhere, not in this run: SELFRec {elsewhere} s a step")


def in_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in a fresh process, whose peak memory is its own (this one stays small: it is forked from here)."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def peak_mb() -> float:
    """The largest resident size of this process so far, in MB of 10^6 bytes (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def imported_mb() -> float:
    """The peak once all is imported that a run of ours imports, but not its data or compiler."""
    import sgl_rec.kernels.propagate_cpu
    import sgl_rec.pipeline.train  # noqa: F401

    return peak_mb()


def describe(job: Job) -> dict[str, Any]:
    """The data and the machine in words, and which peer trains the same."""
    import torch

    from sgl_rec.pipeline.device import environment

    prepared = job.prepare()
    config, train = prepared.config, prepared.split.train
    facts = environment(torch.device(job.device))
    contrast = [part.arguments["candidates"] for part in config.loss.values() if part.name == "info_nce"]
    layers, width = (config.encoder.arguments[name] for name in ("num_layers", "embedding_dim"))
    text = (
        f"{job.dataset} {job.split}, {job.method}"
        + "".join(f", candidates {word}" for word in contrast)
        + f", batch {config.training.batch_size}, {layers} layers, D = {width}\n"
        f"{train.num_users:,} users, {train.num_items:,} items, {len(train):,} training interactions\n"
        f"{facts['gpu'] or facts['processor']}, {facts['threads']} threads, torch {facts['torch']}, "
        f"{time.strftime('%Y-%m-%d')}"
    )
    peer = "recbole" if recbole_sgl.is_same(prepared) else "pyg" if pyg_lightgcn.is_same(prepared) else None
    return {"text": text, "peer": peer, "candidates": contrast[0] if contrast else None}


def choose_peer(
    job: Job, peer: str | None, *, peers: Path, folder: Path, steps: int
) -> tuple[str, Callable[[], dict[str, Any]]] | None:
    """Name and call of the peer; None, and a line that says why, where there is none."""
    if peer is None:
        print("no peer here trains the same", flush=True)
        return None
    if peer == "pyg":
        return "torch-geometric LightGCN", lambda: in_process(torch_geometric, job, steps)
    try:
        python = recbole(peers)
    except NoPeerError as error:
        print(f"RecBole is left out: {error}", flush=True)
        return None
    config = in_process(export, job, folder)
    options = {"steps": steps, "warmup": job.warmup, "threads": job.threads, "device": job.device}
    return "RecBole SGL", lambda: recbole_sgl.run(python, folder, config, options)


def export(job: Job, folder: Path) -> dict[str, Any]:
    """Write the data for RecBole; return its settings."""
    prepared = job.prepare()
    recbole_sgl.export(prepared, folder)
    return recbole_sgl.settings(prepared)


def torch_geometric(job: Job, steps: int) -> dict[str, Any]:
    """Steps of torch-geometric's LightGCN."""
    from torch_geometric.nn.models import LightGCN  # noqa: F401  counted among the imports

    imports = imported_mb()
    begin = time.perf_counter()
    prepared = job.prepare()
    load, loaded = time.perf_counter() - begin, peak_mb()
    seen = pyg_lightgcn.steps(prepared, device=job.device, warmup=job.warmup, steps=steps)
    return {**seen, "load": load, "imports_mb": imports, "data_mb": loaded, "peak_mb": peak_mb()}


def ours(job: Job, precision: str, backend: str) -> dict[str, Any]:
    """Steps of a run of ours."""
    import torch

    from sgl_rec.data.batches import Batches
    from sgl_rec.graph.build import build_graph
    from sgl_rec.kernels.backend import using
    from sgl_rec.pipeline.build import make_encoder, make_objective, make_views
    from sgl_rec.pipeline.memory import kept_memory
    from sgl_rec.training.learner import GraphLearner
    from sgl_rec.training.loop import Trainer

    imports = imported_mb()
    begin = time.perf_counter()
    prepared = job.prepare(precision=precision, backend=backend)
    load, loaded = time.perf_counter() - begin, peak_mb()
    config, data = prepared.config, prepared.split.train
    with using(backend), kept_memory():
        graph = build_graph(data, device=job.device)
        draw = make_views(config, graph)
        settings = config.training
        batches = Batches(data, batch_size=settings.batch_size, seed=settings.seed, device=job.device)
        encoder = make_encoder(config, num_users=data.num_users, num_items=data.num_items)
        objective = make_objective(config).to(job.device)
        trainer = Trainer(
            GraphLearner(encoder.to(job.device), objective, graph=graph, draw_views=draw),
            batches=batches,
            learning_rate=settings.learning_rate,
            max_epochs=1,
        )
        draw(1, 0)  # compiles, where the views are compiled
        clock, losses = Clock(job.device), []
        epoch = batches.epoch(0)
        for step in range(job.warmup + job.steps):
            clock.mark()
            views = draw(0, step)
            clock.mark()
            batch = epoch.batch(step)
            clock.mark()
            losses.append(trainer.step(batch, views).total.detach())
        clock.mark()
    seconds = clock.seconds()
    every_step = config.views is not None and config.views.redraw == "step"
    return {
        "seconds": seconds[2::3][job.warmup :],
        "negatives": seconds[1::3][job.warmup :],
        "views": statistics.median(seconds[::3]) if every_step else seconds[0],
        "views_per_epoch": batches.num_steps if every_step else 1,
        "losses": torch.stack(losses).tolist(),
        "num_steps": batches.num_steps,
        "load": load,
        "imports_mb": imports,
        "data_mb": loaded,
        "peak_mb": peak_mb(),
        "device_mb": torch.cuda.max_memory_allocated() / 1e6 if job.device != "cpu" else 0.0,
        "work": work_of(prepared, graph, views, batch),
    }


def work_of(prepared: Prepared, graph: Graph, views: tuple[Graph, ...], batch: Any) -> dict[str, Any]:
    """The arithmetic of a step: edges of each hop, and (anchors, candidates) of each contrast."""
    config = prepared.config
    arguments = config.encoder.arguments
    passes = views if arguments.get("contrast_layer") is not None else (graph, *views)
    hops = [2 * len(one.layer(layer).column) for one in passes for layer in range(arguments["num_layers"])]
    products = []
    sizes = ((batch.user, graph.num_users), (batch.positive, graph.num_items))
    for term in config.loss.values():
        if term.name != "info_nce":
            continue
        distinct = [len(nodes.unique()) for nodes, _ in sizes]
        anchors = [len(nodes) for nodes, _ in sizes] if term.arguments["candidates"] == "batch" else distinct
        found = [size for _, size in sizes] if term.arguments["candidates"] == "all" else anchors
        apart = term.arguments["sides"] == "apart"
        products += list(zip(anchors, found, strict=True)) if apart else [(sum(anchors), sum(found))]
    return {"hops": hops, "products": products, "nodes": graph.num_nodes, "dim": arguments["embedding_dim"]}


def report(seen: dict[str, list[dict[str, Any]]], *, peer: str | None) -> None:
    """A line for each contender, and the ratio of the peer to each of ours."""
    heads = ("s/step (range)", "negatives", "views", "an epoch", "load", "peak MB (imports, data)")
    print(
        "".join([f"{'':26}", *(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True))]), " loss"
    )
    for name, rounds in seen.items():
        step = [statistics.median(run["seconds"]) for run in rounds]
        negatives = statistics.median(s for run in rounds for s in run.get("negatives", [0.0]))
        views = statistics.median(run.get("views", 0.0) for run in rounds)
        last, losses = rounds[-1], rounds[-1]["losses"]
        times = last.get("views_per_epoch", 1)
        cells = (
            f"{statistics.median(step):.4f} ({min(step):.4f}-{max(step):.4f})",
            f"{negatives:.5f}",
            f"{views:.4f}",
            f"{last['num_steps'] * (statistics.median(step) + negatives) + times * views:.1f}",
            f"{statistics.median(run['load'] for run in rounds):.1f}",
            f"{statistics.median(run['peak_mb'] for run in rounds):.0f} "
            f"({last['imports_mb']:.0f}, {last['data_mb']:.0f})",
        )
        line = "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
        print(f"{name:26}{line}  {losses[0]:.4f} to {losses[-1]:.4f} in {len(losses)} steps")
        if last.get("device_mb"):
            print(f"{'':26}at most {max(run['device_mb'] for run in rounds):.0f} MB of the GPU's memory")
    for name, rounds in seen.items():
        if peer is None or name == peer:
            continue
        pairs = list(zip(seen[peer], rounds, strict=True))
        ratio = [statistics.median(his["seconds"]) / statistics.median(mine["seconds"]) for his, mine in pairs]
        memory = statistics.median(mine["peak_mb"] / his["peak_mb"] for his, mine in pairs)
        added = statistics.median(
            (mine["peak_mb"] - mine["imports_mb"]) / (his["peak_mb"] - his["imports_mb"]) for his, mine in pairs
        )
        print(
            f"{peer} / {name}: {statistics.median(ratio):.2f} times the seconds a step "
            f"({min(ratio):.2f}-{max(ratio):.2f}); ours has {memory:.2f} of its peak memory, "
            f"{added:.2f} without the imports"
        )


if __name__ == "__main__":
    main()
