"""``sgl-rec recommend``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

import click

from sgl_rec.cli.content import new_items_options, placing
from sgl_rec.cli.options import common, csv_output, memory_budget, on_threads, run_argument


@click.command(epilog="Example: sgl-rec recommend runs/demo --k 5 --output recs.csv")
@run_argument
@click.option("--k", type=click.IntRange(min=1), default=20, show_default=True, help="Length of the lists.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    help=".parquet, .csv or .jsonl  [default: CSV to stdout].",
)
@click.option(
    "--users",
    "users_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="A file with one user id a line (- for standard input)  [default: all users].",
)
@click.option(
    "--items",
    "items_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="A file with the item ids that may be recommended, one a line.",
)
@click.option("--with-titles", is_flag=True, help="Add the items' titles.")
@click.option("--include-seen", is_flag=True, help="Also list items a user has touched.")
@click.option(
    "--unknown",
    "--unknown-users",
    "unknown",
    type=click.Choice(["error", "skip", "popular"]),
    default="error",
    show_default=True,
    help="What to do with ids the run does not know: skip them, or give users the popular list, scored by count.",
)
@new_items_options
@click.option("--only-new", is_flag=True, help="With --new-items: rank these alone.")
@memory_budget
@on_threads
@common
def recommend(
    run: str,
    k: int,
    output: str | None,
    users_file: str | None,
    items_file: str | None,
    with_titles: bool,
    include_seen: bool,
    unknown: Literal["error", "skip", "popular"],
    memory_budget: int,
    only_new: bool,
    **new: Any,
) -> None:
    """Write top-K lists for use, without what a user has touched.

    RUN is the folder that `train` made.
    """
    from sgl_rec.pipeline.recommend import write_recommendations
    from sgl_rec.pipeline.run_folder import RunFolder

    path = None if output is None else Path(output)
    for given, option in ((users_file, "--users"), (items_file, "--items")):
        if path is not None and given not in (None, "-") and os.path.realpath(path) == os.path.realpath(given):
            raise click.UsageError(f"--output: must be another file than {option}, got {given} for both")
    if only_new and new["new_items"] is None:
        raise click.UsageError("--only-new: must stand with --new-items FILE")
    folder = RunFolder.open(run)
    written = write_recommendations(
        folder,
        path=path,
        stream=csv_output(),
        with_titles=with_titles,
        users=None if users_file is None else read_ids(users_file, column="user_id"),
        items=None if items_file is None else read_ids(items_file, column="item_id"),
        k=k,
        include_seen=include_seen,
        unknown=unknown,
        new_items=placing(folder, output=path, **new),
        only_new=only_new,
        memory_budget=memory_budget,
    )
    if path is not None:
        click.echo(f"{written.lists:,} lists, {written.rows:,} rows: {path}", err=True)


def read_ids(name: str, *, column: str) -> list[str]:
    """One id a line; a first line that is the column's name and empty lines are passed over."""
    from sgl_rec.errors import UserError

    try:
        content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name}: must be a readable text file of ids, got {error}; check the path") from error
    lines = [line.strip() for line in text.splitlines()]
    ids = [line for number, line in enumerate(lines) if line and not (number == 0 and line == column)]
    if not ids:
        raise UserError(f"{name}: must hold at least one id, got none; write one id a line")
    return ids
