"""``sgl-rec probe``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sgl_rec.cli.options import common, data_settings, is_given, on_threads, plugins, run_argument

COUNTS = ("labels",)
"""Figures that are numbers of samples."""


@click.command(epilog="Example: sgl-rec probe run photos/new --train photos/known")
@run_argument
@click.argument("source", type=click.Path())
@click.option(
    "--train", type=click.Path(), help="Labelled samples to look among (knn) or to learn from (linear)."
)
@click.option(
    "--probe", "probes", multiple=True,
    help="knn or linear, with --train; svm, clustering; of pairs retrieval, sts; zero_shot, with --prompt. "
    "Repeatable  [default: some].",
)  # fmt: skip
@click.option(
    "--prompt", "prompts", multiple=True, metavar="TEXT",
    help="For zero_shot, as 'a drawing of {}': {} stands for the name of a class. Repeatable.",
)  # fmt: skip
@click.option("--finetune", is_flag=True, help="Train a classifier from the run and from scratch, with --train.")
@click.option(
    "--labels", default="0.01,0.1,1", show_default=True, help="Shares of a class's labels to finetune on."
)
@click.option("--steps", type=click.IntRange(min=1), default=300, show_default=True, help="Of finetuning.")
@click.option("--set", "settings", multiple=True, metavar="data.KEY=VALUE", help="How SOURCE is read.")
@click.option(
    "--train-set", "train_settings", multiple=True, metavar="data.KEY=VALUE", help="How --train is read."
)
@click.option("--k", type=click.IntRange(min=1), default=1, show_default=True, help="Neighbours of knn.")
@click.option("--folds", "num_folds", type=click.IntRange(min=2), default=10, show_default=True, help="Of svm.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of folds, clusters and intervals."
)
@click.option("--output", type=click.Path(dir_okay=False), help="Also write the figures there, as JSON.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:<n>.")
@on_threads
@plugins
@common
def probe(
    run: str,
    source: str,
    train: str | None,
    probes: tuple[str, ...],
    prompts: tuple[str, ...],
    finetune: bool,
    labels: str,
    steps: int,
    settings: tuple[str, ...],
    train_settings: tuple[str, ...],
    k: int,
    num_folds: int,
    seed: int,
    output: str | None,
    device: str,
) -> None:
    """Measure what the vectors of a trained encoder know of labels, or of pairs.

    RUN is the folder that `pretrain` made, SOURCE samples of its kind: images in a folder for each class, graphs
    with classes, texts with a column of labels, pairs of texts, scored or not, or images with their texts.
    Beside it stand the encoder before its training and, where samples are numbers, the samples themselves.
    """
    from sgl_rec.files import write_text
    from sgl_rec.pipeline.pretrain.finetune import finetune as tune
    from sgl_rec.pipeline.pretrain.folder import PretrainFolder
    from sgl_rec.pipeline.pretrain.probe import probe as work

    path = None if output is None else Path(output)
    PretrainFolder.open(run).check_output(path, source, train)
    read: dict[str, Any] = {"settings": data_settings(settings), "train_settings": data_settings(train_settings)}
    if train is None and train_settings:
        raise click.UsageError("--train-set is given with --train")
    for name in ("labels", "steps"):
        if is_given(name) and not finetune:
            raise click.UsageError(f"--{name} is given with --finetune")
    if finetune:
        if train is None or probes or prompts:
            raise click.UsageError("--finetune is given with --train, and without --probe and --prompt")
        figures = tune(
            run, source, train=train, shares=_shares(labels), num_steps=steps, seed=seed, device=device, **read
        )
    else:
        figures = work(
            run,
            source,
            train=train,
            probes=probes,
            k=k,
            num_folds=num_folds,
            seed=seed,
            prompts=prompts,
            device=device,
            **read,
        )
    if path is not None:
        write_text(path, json.dumps(figures, indent=2) + "\n")
    click.echo(table(figures))


def _shares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise click.BadParameter(f"must be numbers as 0.1,1, got {text!r}", param_hint="--labels") from None


def table(figures: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """A row for each figure, a column for each encoder.

    Example:
        >>> print(table({"knn": {"trained": {"accuracy": 0.5}, "raw": {"accuracy": 0.25}}}))
                      trained      raw
        knn accuracy   0.5000   0.2500
    """
    columns = list(dict.fromkeys(column for by_column in figures.values() for column in by_column))
    rows = [["", *columns]]
    for name, by_column in figures.items():
        for figure in next(iter(by_column.values())):
            shown = "{:.0f}" if figure in COUNTS else "{:.4f}"
            rows.append([f"{name} {figure}", *(shown.format(by_column[column][figure]) for column in columns)])
    widths = [max([len(row[place]) for row in rows] + ([7] if place else [])) for place in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
