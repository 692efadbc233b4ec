"""``sgl-rec datasets list|describe|fetch``."""

from __future__ import annotations

import click

from sgl_rec.cli.options import common


@click.group(epilog="Example: sgl-rec datasets list")
def datasets() -> None:
    """The data sets that have a name."""


@datasets.command(name="list", epilog="Example: sgl-rec datasets list")
@common
def list_() -> None:
    """List the catalogue, and where each data set is."""
    from sgl_rec.cli.show import table
    from sgl_rec.pipeline.datasets import list_datasets

    rows = [
        [
            listed.entry.name,
            f"{listed.entry.counts.users:,}",
            f"{listed.entry.counts.items:,}",
            f"{listed.entry.counts.interactions:,}",
            listed.address,
            listed.state,
        ]
        for listed in list_datasets()
    ]
    width = max(len(row[-1]) for row in rows)
    rows = [[*row[:-1], row[-1].ljust(width)] for row in rows]
    click.echo(table(["name", "users", "items", "interactions", "address", "where".ljust(width)], rows))


@datasets.command(epilog="Example: sgl-rec datasets describe ml-1m")
@click.argument("name")
@common
def describe(name: str) -> None:
    """Show a data set's source, licence, counts and splits."""
    from sgl_rec.pipeline.datasets import describe_dataset

    click.echo(describe_dataset(name))


@datasets.command(epilog="Example: sgl-rec datasets fetch demo")
@click.argument("name")
@common
def fetch(name: str) -> None:
    """Download a data set into the user cache, verified."""
    from sgl_rec.pipeline.datasets import fetch_dataset

    click.echo(fetch_dataset(name))
