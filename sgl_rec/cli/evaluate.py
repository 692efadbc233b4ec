"""``sgl-rec evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from sgl_rec.cli.options import common, memory_budget, on_threads, run_argument
from sgl_rec.cli.show import metrics_table


@click.command(epilog="Example: sgl-rec evaluate runs/demo --k 5,10 --output lists.parquet")
@run_argument
@click.option("--k", help="Cut-offs, as 10,20  [default: those of the run].")
@click.option("--output", type=click.Path(dir_okay=False), help="Write exactly the lists that are scored.")
@memory_budget
@on_threads
@common
def evaluate(run: str, k: str | None, output: str | None, memory_budget: int) -> None:
    """Measure a run on its test part, from the run folder alone.

    RUN is the folder that `train` made.
    """
    from sgl_rec.cli.train import cut_offs
    from sgl_rec.pipeline.evaluate import evaluate_run
    from sgl_rec.pipeline.run_folder import RunFolder

    folder = RunFolder.open(run)
    path = None if output is None else Path(output)
    cuts = None if k is None else cut_offs(k)
    metrics = evaluate_run(folder, ks=cuts, output=path, memory_budget=memory_budget)
    click.echo(metrics_table(metrics, title=folder.config.method))
