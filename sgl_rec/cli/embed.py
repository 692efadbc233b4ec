"""``sgl-rec embed``."""

from __future__ import annotations

import click

from sgl_rec.cli.options import common, data_settings, is_quiet, on_threads, plugins, run_argument


@click.command(epilog="Example: sgl-rec embed run photos --output vectors.parquet")
@run_argument
@click.argument("source", type=click.Path())
@click.option("--output", type=click.Path(dir_okay=False), required=True, help="A .parquet, .csv or .npy file.")
@click.option("--set", "settings", multiple=True, metavar="data.KEY=VALUE", help="How SOURCE is read.")
@click.option(
    "--side", type=click.Choice(["first", "second"]), default="first", show_default=True,
    help="Of pairs: images are the first, their texts the second.",
)  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<n>.")
@on_threads
@plugins
@common
def embed(run: str, source: str, output: str, settings: tuple[str, ...], side: str, device: str) -> None:
    """Write a vector for each sample, by the encoder that `pretrain` trained.

    RUN is the folder of the training, SOURCE what is to be embedded, of the same kind.
    Where it was trained on images with texts, SOURCE may also be images alone, or with --side second texts alone.
    """
    from sgl_rec.pipeline.pretrain.embed import embed as work

    embedded = work(run, source, output=output, settings=data_settings(settings), side=side, device=device)
    if not is_quiet():
        rows, width = embedded.vectors.shape
        left_out = f"; {len(embedded.left_out):,} samples are left out" if embedded.left_out else ""
        click.echo(f"{rows:,} vectors of {width} numbers in {output}{left_out}", err=True)
