"""``sgl-rec bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sgl_rec.cli.options import common, is_quiet
from sgl_rec.cli.train import cut_offs

MOST_SEEDS = 1000
"""More is a slip."""


@click.command(epilog="Example: sgl-rec bench --dataset demo --method lightgcn --out b --dry-run")
@click.option("--dataset", "datasets", multiple=True, required=True, help="A name or a path; may be repeated.")
@click.option(
    "--method", "methods", multiple=True, required=True, help="A name or a .toml file; may be repeated."
)
@click.option(
    "--seeds", help="Values of training.seed, as 0,1,2 or 0-4  [default: 0-4 on ml-1m, 0-2 elsewhere]; the split "
    "stays the same (--set data.split_seed=N changes it).",
)  # fmt: skip
@click.option("--split", help="As for train  [default: random].")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The folder of runs and leaderboard.")
@click.option(
    "--against", default="popularity", show_default=True, help="The method the others are tested against."
)
@click.option(
    "--lists", multiple=True, metavar="NAME=FILE",
    help="Somebody else's lists, scored as ours: user_id, item_id and rank or score (not read beside a rank). "
    "Repeat NAME for its seeds.",
)  # fmt: skip
@click.option(
    "--metric", help="What is tested, and sorts the table  [default: ndcg@20, or NDCG at the largest of --k]."
)
@click.option("--k", help="Cut-offs of the metrics, as 10,20.")
@click.option("--config", type=click.Path(), help="A TOML file whose values go over every method's.")
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="One value over all files.")
@click.option("--max-epochs", type=click.IntRange(min=1), help="Same as --set training.max_epochs=N.")
@click.option("--refit", is_flag=True, help="Train again on train + valid before the test.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<n>.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads  [default: one for each core].")
@click.option("--dry-run", is_flag=True, help="List the runs and what is there of them; train nothing.")
@common
def bench(
    datasets: tuple[str, ...],
    methods: tuple[str, ...],
    seeds: str | None,
    against: str,
    lists: tuple[str, ...],
    metric: str | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Compare methods: data sets x methods x seeds to a leaderboard.

    Every run is an ordinary run folder under OUT. The same command again skips what is done and goes on where
    it was stopped, by Ctrl-C or a kill. The table goes to stdout, all else to stderr; OUT has it as Markdown, CSV
    and PNG.
    """
    from sgl_rec.pipeline.bench.bench import planned, run_bench
    from sgl_rec.pipeline.bench.plan import Asked, in_words

    asked = Asked(
        datasets=datasets,
        methods=methods,
        out=options["out"],
        seeds=None if seeds is None else parse_seeds(seeds),
        split=options["split"],
        config=options["config"],
        settings=_settings(options),
        device=options["device"],
        threads=options["threads"],
    )
    given = _named_files(lists)
    if dry_run:
        click.echo(in_words(*planned(asked, against=against, lists=given, metric=metric)))
        return
    try:
        run_bench(asked, against=against, lists=given, metric=metric, on_boards=_show)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("Interrupted; the same command goes on") from error
    if not is_quiet():
        click.echo(f"leaderboard: {asked.out / 'leaderboard.md'}", err=True)


def _show(boards: Any) -> None:
    from sgl_rec.pipeline.bench.bench import markdown

    click.echo(markdown(boards), nl=False)


def parse_seeds(text: str) -> tuple[int, ...]:
    """``0,1,2`` or ``0-4`` or both as numbers, in their order. Raises: a usage error for anything else.

    Example:
        >>> parse_seeds("0-2,7")
        (0, 1, 2, 7)
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(end.isascii() and end.isdigit() and len(end) < 10 for end in ends):
            raise _wrong_seeds(text)
        begin, end = map(int, ends)
        if end < begin:
            raise _wrong_seeds(text)
        if len(seeds) + end - begin >= MOST_SEEDS:
            raise _wrong_seeds(text, f"at most {MOST_SEEDS} seeds")
        seeds += range(begin, end + 1)
    if len(set(seeds)) < len(seeds):
        raise _wrong_seeds(text)
    return tuple(seeds)


def _wrong_seeds(
    text: str, rule: str = "distinct numbers of up to 9 digits, like 0,1,2 or 0-4"
) -> click.BadParameter:
    return click.BadParameter(f"must be {rule}, got {text!r}", param_hint="--seeds")


def _named_files(lists: tuple[str, ...]) -> dict[str, list[str | Path]]:
    """``NAME=FILE`` of every ``--lists``; a name that repeats has a file for each seed."""
    found: dict[str, list[str | Path]] = {}
    for text in lists:
        name, equals, file = text.partition("=")
        if not equals or not name.strip() or not file:
            raise click.BadParameter(f"must be NAME=FILE, got {text!r}", param_hint="--lists")
        if file in found.setdefault(name.strip(), []):
            raise click.BadParameter(
                f"must be another file for each seed, got {file!r} twice", param_hint="--lists"
            )
        found[name.strip()].append(file)
    return found


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    from sgl_rec.settings import merge, parse_setting

    settings: dict[str, Any] = {}
    if options["max_epochs"] is not None:
        settings = merge(settings, {"training": {"max_epochs": options["max_epochs"]}})
    if options["refit"]:
        settings = merge(settings, {"training": {"refit": "valid"}})
    if options["k"] is not None:
        settings = merge(settings, {"evaluation": {"k": cut_offs(options["k"])}})
    for text in options["settings"]:
        settings = merge(settings, parse_setting(text))
    return settings
