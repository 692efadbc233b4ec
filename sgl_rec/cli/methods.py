"""``sgl-rec methods``."""

from __future__ import annotations

import click

from sgl_rec.cli.options import common


@click.command(epilog="Example: sgl-rec methods --dataset ml-1m")
@click.option("--dataset", help="Show the settings made for this data set where there are some.")
@common
def methods(dataset: str | None) -> None:
    """List the methods that `train --method` knows."""
    from sgl_rec.cli.show import table
    from sgl_rec.pipeline.methods import describe_methods

    rows = [[method.name, method.summary] for method in describe_methods(dataset)]
    width = max(len(summary) for _, summary in rows)
    click.echo(table(["method", "what it is".ljust(width)], [[name, text.ljust(width)] for name, text in rows]))
