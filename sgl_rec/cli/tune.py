"""``sgl-rec tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgl_rec.cli.options import common, is_quiet
from sgl_rec.cli.reading import reading_options, reading_settings

if TYPE_CHECKING:
    from sgl_rec.pipeline.tune.record import Tuned


@click.command(epilog="Example: sgl-rec tune --dataset demo --method ease --out tuned")
@click.option("--dataset", help="As for train  [default: demo].")
@click.option("--method", help="As for train  [default: sgl-ed].")
@click.option("--split", help="As for train  [default: random].")
@click.option("--trials", type=click.IntRange(min=1), default=8, show_default=True, help="Settings to try.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="After so many in trials, begin no further one.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the search.")
@click.option(
    "--range", "ranges", multiple=True, metavar="KEY=RANGE",
    help="low:high, low:high:log, low:high:step or a,b,c of one key, over those of the method's [tune].",
)  # fmt: skip
@click.option("--config", type=click.Path(), help="A TOML file whose values go over the method's.")
@click.option(
    "--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE",
    help="One value over all files; it is not searched.",
)  # fmt: skip
@click.option("--max-epochs", type=click.IntRange(min=1), help="Same as --set training.max_epochs=N.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder of the search.")
@click.option("--overwrite", is_flag=True, help="Begin anew, in the place of a search that is at --out.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<n>.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads  [default: one for each core].")
@reading_options
@common
def tune(settings: tuple[str, ...], ranges: tuple[str, ...], max_epochs: int | None, **options: Any) -> None:
    """Search a method's settings on validation; the test part is left out.

    Trial 0 is the method's own setting. The best goes to OUT/best.toml, a method for train. The same command
    again goes on where it was stopped, by Ctrl-C or a kill; with more --trials it adds to them.
    """
    from sgl_rec.pipeline.tune.tune import tune as search
    from sgl_rec.ranges import parse_range
    from sgl_rec.settings import merge, parse_setting

    given: dict[str, Any] = reading_settings(options)
    if max_epochs is not None:
        given = merge(given, {"training": {"max_epochs": max_epochs}})
    for text in settings:
        given = merge(given, parse_setting(text))
    spans = {key: one for text in ranges for key, one in parse_range(text).items()}
    try:
        tuned = search(**options, ranges=spans, settings=given)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("Interrupted; the same command goes on with this trial") from error
    click.echo(summary(tuned))
    if not is_quiet():
        click.echo(f"next: sgl-rec train --method {tuned.method_file}", err=True)


def summary(tuned: Tuned) -> str:
    """The best setting and its validation metric beside the method's own."""
    own, best = tuned.trials[0], tuned.best
    what = "the method's own" if best.number == 0 else f"trial {best.number}"
    rows = [("", "own", f"best: {what}")]
    rows += [(key, str(own.settings[key]), str(value)) for key, value in best.settings.items()]
    figures = ["-" if trial.value is None else f"{trial.value:.4f}" for trial in (own, best)]
    rows += [(f"valid {tuned.metric}", figures[0], figures[1])]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
