"""``sgl-rec methods``."""

from __future__ import annotations

import click

from sgl_rec.cli.options import common


@click.command(epilog="Example: sgl-rec methods --dataset ml-1m")
@click.option("--dataset", help="Show the settings made for this data set where there are some.")
@click.option("--pretrain", is_flag=True, help="List those of images, texts, pairs and graphs.")
@common
def methods(dataset: str | None, pretrain: bool) -> None:
    """List the methods that `train --method` knows; with --pretrain those of `pretrain --method`."""
    from sgl_rec.cli.show import table
    from sgl_rec.pipeline.methods import describe_methods, describe_pretraining

    if pretrain and dataset is not None:
        raise click.UsageError("--dataset cannot be given with --pretrain")
    found = describe_pretraining() if pretrain else describe_methods(dataset)
    rows = [[method.name, method.summary] for method in found]
    width = max(len(summary) for _, summary in rows)
    click.echo(table(["method", "what it is".ljust(width)], [[name, text.ljust(width)] for name, text in rows]))
