"""``sgl-rec similar``."""

from __future__ import annotations

from typing import Any

import click

from sgl_rec.cli.content import new_items_options, placing
from sgl_rec.cli.options import as_text, common, csv_output, on_threads, run_argument


@click.command(
    epilog="Example: sgl-rec similar runs/demo 17 --k 5",
    context_settings={"ignore_unknown_options": True},  # an id may begin with a minus
)
@run_argument
@click.argument("item_id")
@click.option("--k", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@new_items_options
@on_threads
@common
def similar(run: str, item_id: str, k: int, **new: Any) -> None:
    """List the items nearest to an item, as CSV.

    RUN is the folder that `train` made, ITEM_ID an item of its data, or of --new-items.
    """
    from sgl_rec.pipeline.run import load_run

    loaded = load_run(run)
    found = loaded.similar([as_text(item_id)], k=k, new_items=placing(loaded.folder, **new))
    frame = found.drop(columns="query_id")
    frame.to_csv(csv_output(), index=False, lineterminator="\n")
