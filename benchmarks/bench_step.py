"""How long does a training step take on a data set, and how much memory does it need?

Trains part of the first epoch of each data set, in a process of its own, through the same objects as
``sgl-rec train``. Prints the counts, seconds to load, to build the graph, to draw the views and for each step
(median), and the peak memory of the process.

    SGL_REC_DATA=... python benchmarks/bench_step.py --dataset gowalla --dataset yelp2018 --method sgl-ed
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import time

import click


@click.command()
@click.option("--dataset", "datasets", multiple=True, default=("gowalla", "yelp2018"), show_default=True)
@click.option("--split", default="standard", show_default=True)
@click.option("--method", default="sgl-ed", show_default=True)
@click.option("--steps", default=20, show_default=True, help="Counted steps, after two that are not.")
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
def main(datasets: tuple[str, ...], split: str, method: str, steps: int, threads: int | None) -> None:
    for dataset in datasets:
        process = multiprocessing.get_context("spawn").Process(
            target=measure, args=(dataset, split, method, steps, threads)
        )
        process.start()
        process.join()


def measure(dataset: str, split: str, method: str, steps: int, threads: int | None) -> None:
    import torch

    from sgl_rec.data.batches import Batches
    from sgl_rec.graph.build import build_graph
    from sgl_rec.pipeline.build import make_encoder, make_objective, make_views
    from sgl_rec.pipeline.device import environment, set_threads
    from sgl_rec.pipeline.train import prepare
    from sgl_rec.training.loop import Trainer

    used = set_threads(threads)
    begin = time.perf_counter()
    prepared = prepare(dataset, method=method, split=split)
    loaded = time.perf_counter() - begin
    base = peak_mb()
    config, data = prepared.config, prepared.split
    begin = time.perf_counter()
    graph = build_graph(data.train)
    built = time.perf_counter() - begin
    draw = make_views(config, graph)
    begin = time.perf_counter()
    views = draw(0)
    drawn = time.perf_counter() - begin
    settings = config.training
    batches = Batches(data.train, batch_size=settings.batch_size, seed=settings.seed)
    trainer = Trainer(
        make_encoder(config, num_users=data.train.num_users, num_items=data.train.num_items),
        make_objective(config),
        graph=graph,
        batches=batches,
        draw_views=draw,
        learning_rate=settings.learning_rate,
        max_epochs=1,
    )
    epoch = batches.epoch(0)
    seconds = []
    for step in range(steps + 2):
        begin = time.perf_counter()
        trainer.step(epoch.batch(step), views)
        seconds.append(time.perf_counter() - begin)
    facts = environment(torch.device("cpu"))
    median = statistics.median(seconds[2:])
    print(
        f"{dataset} {split}, {method}, batch {settings.batch_size}, on {facts['processor']}, {used} threads, "
        f"torch {facts['torch']}\n"
        f"  {data.train.num_users:,} users, {data.train.num_items:,} items, train {len(data.train):,}, "
        f"valid {len(data.valid):,}, test {len(data.test):,}\n"
        f"  load and split {loaded:.1f} s ({base:.0f} MB), graph {built:.2f} s, two views {drawn:.2f} s\n"
        f"  step {median:.3f} s, an epoch of {batches.num_steps} steps "
        f"{batches.num_steps * median + drawn:.0f} s, peak {peak_mb():.0f} MB",
        flush=True,
    )


def peak_mb() -> float:
    """The largest resident size of this process so far, in MB of 10^6 bytes (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
