"""``sgl-rec train``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sgl_rec.cli.content import CONTENT, content_options, content_settings
from sgl_rec.cli.options import common, is_quiet
from sgl_rec.cli.reading import READING, reading_options, reading_settings
from sgl_rec.cli.running import advice, progress, refuse_with_resume
from sgl_rec.cli.show import metrics_table

if TYPE_CHECKING:
    from sgl_rec.pipeline.run import Run

CHANGE_THE_RESULT = (
    "dataset", "method", "split", "config_file", "settings", "seed", "k", "refit", "out", "overwrite",
    "max_epochs", "precision", "backend", "warm_start", "dry_run", *READING, *CONTENT,
)  # fmt: skip


@click.command(epilog="Example: sgl-rec train --dataset demo --method lightgcn --max-epochs 2")
@click.option(
    "--dataset", help="A name of `sgl-rec datasets list`, a path, or - for standard input  [default: demo]."
)
@click.option("--method", help="A name of `sgl-rec methods`, or a .toml file  [default: sgl-ed].")
@click.option(
    "--split",
    help="random, leave-last-1 (or another number), global-time, cold-items, or the name of a split that is "
    "there with the data  [default: random].",
)
@click.option("--config", "config_file", type=click.Path(), help="A TOML file whose values go over the method's.")
@click.option("--set", "settings", multiple=True, metavar="SECTION.KEY=VALUE", help="One value over all files.")
@click.option("--out", type=click.Path(), help="The run folder  [default: a new one under runs/].")
@click.option("--overwrite", is_flag=True, help="Replace a run that is at --out.")
@click.option("--resume", metavar="RUN", type=click.Path(), help="Go on with an interrupted run.")
@click.option(
    "--warm-start", metavar="RUN", type=click.Path(),
    help="Begin with the embeddings of a finished run, for the users and items it knows.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="Same as --set training.seed=N.")
@click.option("--max-epochs", type=click.IntRange(min=1), help="Same as --set training.max_epochs=N.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    help="Same as --set training.precision=NAME.",
)
@click.option(
    "--backend", type=click.Choice(["auto", "cpu", "cuda", "torch", "scatter"]), help="Whose kernels train."
)
@click.option("--k", help="Cut-offs of the metrics, as 10,20.")
@click.option(
    "--refit", is_flag=False, flag_value="valid", type=click.Choice(["valid", "all"]),
    help="Train again for the chosen number of epochs: on train + valid before the test (plain --refit), "
    "or, when the test is done, on `all` interactions for use.",
)  # fmt: skip
@click.option("--device", help="auto, cpu, cuda or cuda:<n>  [default: auto; the run's own with --resume].")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads  [default: one for each core].")
@reading_options
@content_options
@click.option("--dry-run", is_flag=True, help="Show counts, config and expected memory; train nothing.")
@common
def train(resume: str | None, device: str | None, threads: int | None, **options: Any) -> None:
    """Train a method on a data set and measure it.

    The figures go to stdout, all else to stderr; the run folder holds both.
    """
    if resume is not None:
        refuse_with_resume(CHANGE_THE_RESULT, called={"config_file": "config", "settings": "set"})
        _resume(resume, device=device, threads=threads)
        return
    _train(device=device or "auto", threads=threads, **options)


def _resume(path: str, *, device: str | None, threads: int | None) -> None:
    from sgl_rec.pipeline.run_folder import RunFolder
    from sgl_rec.pipeline.train import resume

    folder = RunFolder.open(path)
    with progress(folder.config.training.metric) as observer, advice(f"sgl-rec train --resume {path}"):
        run = resume(path, device=device, threads=threads, observer=observer)
    _report(run)


def _train(
    *, device: str, threads: int | None, dry_run: bool, out: str | None, overwrite: bool, **options: Any
) -> None:
    from sgl_rec.pipeline.device import choose_device, set_threads
    from sgl_rec.pipeline.new_run import check_out, new_folder
    from sgl_rec.pipeline.prepare import description, expected_memory, prepare
    from sgl_rec.pipeline.run_folder import RunFolder
    from sgl_rec.pipeline.train import start

    if not dry_run:
        check_out(out, overwrite=overwrite, kind=RunFolder)
    settings = _settings(options)
    names = ("dataset", "method", "split")
    chosen = choose_device(device)
    set_threads(threads)
    prepared = prepare(
        **{name: options[name] for name in names},
        config=options["config_file"],
        settings=settings,
        device=chosen,
    )
    if dry_run:
        from sgl_rec.config import dump_toml

        if not is_quiet():
            click.echo(description(prepared, device=chosen), err=True)
        click.echo(dump_toml(prepared.config))
        click.echo(f"# expected memory: {expected_memory(prepared) / 1e6:.0f} MB above the program's own")
        return
    source, method = prepared.config.data.dataset, prepared.config.method
    folder = new_folder(out, source=source, method=method, overwrite=overwrite, kind=RunFolder)
    with progress(prepared.config.training.metric) as observer, advice(f"sgl-rec train --resume {folder.path}"):
        run = start(prepared, folder, device=chosen, observer=observer)
    _report(run)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """All of ``--set`` and the options that are short for one, as one nested dictionary."""
    from sgl_rec.settings import merge, parse_setting

    settings = merge(reading_settings(options), content_settings(options))
    for key in ("seed", "max_epochs", "refit", "precision", "backend", "warm_start"):
        if options[key] is not None:
            settings = merge(settings, {"training": {key: options[key]}})
    if options["k"] is not None:
        settings = merge(settings, {"evaluation": {"k": cut_offs(options["k"])}})
    for text in options["settings"]:
        settings = merge(settings, parse_setting(text))
    return settings


def cut_offs(text: str) -> list[int]:
    """``10,20`` as numbers. Raises: a usage error for anything else."""
    from sgl_rec.config import MOST_CUT_OFF

    try:
        cuts = [int(part) for part in text.split(",")]
    except ValueError:
        cuts = [0]
    if min(cuts) < 1 or max(cuts) > MOST_CUT_OFF:
        rule = f"whole numbers like 10,20, from 1 to {MOST_CUT_OFF}"
        raise click.BadParameter(f"must be {rule}, got {text!r}", param_hint="--k")
    return cuts


def _report(run: Run) -> None:
    metrics = run.metrics
    click.echo(metrics_table(metrics, title=metrics["method"]))
    if not is_quiet():
        click.echo(f"run folder: {run.path}", err=True)
