"""``sgl-rec datasets list|describe|fetch|prepare|split``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sgl_rec.cli.options import common
from sgl_rec.cli.reading import reading_options, reading_settings


@click.group(epilog="Example: sgl-rec datasets list")
def datasets() -> None:
    """The data sets that have a name, and your own in the form that is read fastest."""


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


@datasets.command(epilog="Example: sgl-rec datasets prepare demo --out mine")
@click.argument("source")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("--overwrite", is_flag=True, help="Replace prepared data that is at --out, with its stored splits.")
@reading_options
@common
def prepare(source: str, out: Path, overwrite: bool, **options: Any) -> None:
    """Write a data set (a name or a path) in the prepared form: interactions.parquet and what belongs to it."""
    from sgl_rec.pipeline.datasets import prepare_dataset

    click.echo(prepare_dataset(source, out, data=reading_settings(options).get("data"), overwrite=overwrite))


@datasets.command(epilog="Example: sgl-rec datasets demo shop")
@click.argument("out", type=click.Path(path_type=Path))
@common
def demo(out: Path) -> None:
    """Write the generated shop's items, their pictures, and a few new items to a folder."""
    from sgl_rec.pipeline.demo import write_demo

    click.echo(write_demo(out))


@datasets.command(epilog="Example: sgl-rec datasets split demo --split leave-last-1 --out mine")
@click.argument("source")
@click.option("--split", required=True, help="random, leave-last-1 (or another number), global-time, cold-items.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of what is drawn.")
@click.option("--valid-share", type=float, default=0.1, show_default=True, help="For all but leave-last.")
@click.option("--test-share", type=float, default=0.1, show_default=True, help="For all but leave-last.")
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="A prepared folder of the same data, or a new one  [default: SOURCE, where it is one].",
)  # fmt: skip
@click.option("--name", help="What the stored split is called  [default: <split>-seed<seed>].")
@click.option("--overwrite", is_flag=True, help="Replace a stored split of that name.")
@reading_options
@common
def split(
    source: str, split: str, seed: int, out: Path | None, name: str | None, overwrite: bool, **options: Any
) -> None:
    """Draw a split once and store it, for `sgl-rec train --dataset OUT --split NAME`."""
    from sgl_rec.pipeline.datasets import split_dataset

    shares = {share: options.pop(share) for share in ("valid_share", "test_share")}
    data = {"split": split, "split_seed": seed, **shares, **reading_settings(options).get("data", {})}
    click.echo(split_dataset(source, out, data=data, name=name, overwrite=overwrite))
