"""What does GraphCL make of small graphs, beside the same encoder before training?

Ten-fold accuracy of an SVM on the vectors of a GIN trained without labels, the mean and deviation of seeds; the
published figures (You et al. 2020, table 5) stand beside them, and the share of the largest class.

    SGL_REC_DATA=data python benchmarks/bench_graphcl.py --name MUTAG --name PROTEINS --name NCI1
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import click

PUBLISHED = {"MUTAG": 86.80, "PROTEINS": 74.39, "NCI1": 77.87}


@click.command()
@click.option("--name", "names", multiple=True, default=tuple(PUBLISHED), help="A folder below tu/.")
@click.option("--seeds", default=5, show_default=True, help="Seeds 0 to N - 1, of training and of the folds.")
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="Over the method's file.")
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
def main(names: tuple[str, ...], seeds: int, settings: tuple[str, ...], threads: int | None) -> None:
    import torch

    import sgl_rec
    from sgl_rec.data.tu import read_tu
    from sgl_rec.settings import merge, parse_setting

    over: dict[str, object] = {}
    for text in settings:
        over = merge(over, parse_setting(text))
    click.echo("| data | GraphCL | deviation of seeds | before training | largest class | published | seconds |")
    click.echo("|---|--:|--:|--:|--:|--:|--:|")
    for name in names:
        source = Path(os.environ["SGL_REC_DATA"]) / "tu" / name
        trained, before, seconds = [], [], []
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                begin = time.perf_counter()
                run = sgl_rec.pretrain(
                    "graph",
                    source,
                    settings=merge(over, {"training": {"seed": seed}}),
                    out=Path(folder) / "run",
                    threads=threads,
                )
                seconds.append(time.perf_counter() - begin)
                found = sgl_rec.probe(run.path, source, probes=["svm"], seed=seed)["svm"]
                trained.append(100 * found["trained"]["accuracy"])
                before.append(100 * found["before"]["accuracy"])
        label = read_tu(source).label
        assert label is not None
        most = 100 * float(torch.bincount(label).max() / len(label))
        spread = statistics.stdev(trained) if seeds > 1 else 0.0
        means = " | ".join(
            f"{value:.1f}" for value in (statistics.mean(trained), spread, statistics.mean(before))
        )
        published = f"{PUBLISHED[name]:.1f}" if name in PUBLISHED else ""
        click.echo(f"| {name} | {means} | {most:.1f} | {published} | {statistics.mean(seconds):.0f} |")


if __name__ == "__main__":
    main()
