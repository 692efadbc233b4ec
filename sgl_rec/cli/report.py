"""``sgl-rec report``."""

from __future__ import annotations

from pathlib import Path

import click

from sgl_rec.cli.options import common, memory_budget, on_threads, run_argument


@click.command(epilog="Example: sgl-rec report runs/demo --output demo.html")
@run_argument
@click.option("--output", type=click.Path(dir_okay=False), help="The HTML file  [default: RUN/report.html].")
@memory_budget
@on_threads
@common
def report(run: str, output: str | None, memory_budget: int) -> None:
    """Show a run on one HTML page: curves, who is served how well, a map of the items, some users.

    RUN is the folder that `train` made. The page needs no network and runs no script.
    """
    from sgl_rec.pipeline.report.report import report_run
    from sgl_rec.pipeline.run_folder import RunFolder

    path = None if output is None else Path(output)
    click.echo(report_run(RunFolder.open(run), output=path, memory_budget=memory_budget))
