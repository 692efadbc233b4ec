"""What makes contrast between views work: the head, the batch, the temperature, or the loss?

On Omniglot: a small convolutional encoder learns from the unlabelled images of drawers 1 to 10; those of drawers
11 to 20 are then classified by their nearest neighbour among those of drawers 1 to 10, 136 characters.

    SGL_REC_DATA=data python benchmarks/bench_contrastive.py --epochs 60
    SGL_REC_DATA=data python benchmarks/bench_contrastive.py --group methods --value simclr --epochs 300
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

DRAWERS = {"learnt": range(1, 11), "asked": range(11, 21)}
ONLY = {name: {"only": [f"*_{drawer:02}.png" for drawer in drawers]} for name, drawers in DRAWERS.items()}
HEADS: dict[str, dict[str, Any]] = {
    "identity": {"name": "identity"},
    "linear": {"name": "linear", "output_dim": 128},
    "mlp": {"name": "mlp", "output_dim": 128},
}
LOSSES: dict[str, dict[str, Any]] = {
    "nt_xent": {"name": "nt_xent", "temperature": 0.2},
    "logistic": {"name": "logistic", "temperature": 0.2},
    "margin_contrastive": {"name": "margin_contrastive", "margin": 1.0},
    "triplet": {"name": "triplet", "margin": 1.0},
    "n_pair": {"name": "n_pair"},
}
METHODS = ("simclr", "moco", "byol", "barlow-twins", "swav", "supcon")


def rows() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(group, value, method, what goes over its file)."""
    for name, head in HEADS.items():
        yield "head", name, "simclr", {"head": head}
    for size in (16, 32, 64, 128, 256, 512):
        yield "batch", str(size), "simclr", {"training": {"batch_size": size}}
    for temperature in (0.05, 0.1, 0.2, 0.5, 1.0):
        yield "temperature", str(temperature), "simclr", {"loss": {"contrastive": {"temperature": temperature}}}
    for name, loss in LOSSES.items():
        yield "loss", name, "simclr", {"loss": {"contrastive": loss}}
    for name in METHODS:
        yield "methods", name, name, {}


@click.command()
@click.option("--group", "groups", multiple=True, help="head, batch, temperature, loss, methods  [default: all].")
@click.option(
    "--value", "values", multiple=True, help="Rows of a group by their value, as simclr  [default: all]."
)
@click.option("--epochs", default=60, show_default=True, help="Passes over the 1,360 images.")
@click.option("--seeds", default="0", show_default=True, help="As 0,1,2.")
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
def main(groups: tuple[str, ...], values: tuple[str, ...], epochs: int, seeds: str, threads: int | None) -> None:
    source = Path(os.environ["SGL_REC_DATA"]) / "omniglot" / "images_background_small1.zip"
    numbers = [int(seed) for seed in seeds.split(",")]
    click.echo(
        f"| group | value | 1-NN accuracy, mean of {len(numbers)} | least | most | before | raw | seconds |"
    )
    click.echo("|---|---|--:|--:|--:|--:|--:|--:|")
    for group, value, method, over in rows():
        if (not groups or group in groups) and (not values or value in values):
            seen = [look(source, method, over, epochs, seed, threads) for seed in numbers]
            trained = [one["trained"] for one in seen]
            others = " | ".join(f"{statistics.mean(one[name] for one in seen):.3f}" for name in ("before", "raw"))
            figures = f"{statistics.mean(trained):.3f} | {min(trained):.3f} | {max(trained):.3f} | {others}"
            click.echo(
                f"| {group} | {value} | {figures} | {statistics.mean(one['seconds'] for one in seen):.0f} |"
            )


def look(
    source: Path, method: str, over: dict[str, Any], epochs: int, seed: int, threads: int | None
) -> dict[str, float]:
    """Train one and find the nearest neighbours."""
    import sgl_rec
    from sgl_rec.settings import merge

    always = {"data": ONLY["learnt"], "training": {"max_epochs": epochs, "seed": seed}}
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        run = sgl_rec.pretrain(
            "vision",
            source,
            method=method,
            settings=merge(over, always),
            out=Path(folder) / "run",
            threads=threads,
        )
        seconds = time.perf_counter() - begin
        found = sgl_rec.probe(
            run.path, source, train=source, probes=["knn"], settings=ONLY["asked"], train_settings=ONLY["learnt"]
        )["knn"]
    return {"seconds": seconds, **{column: figures["accuracy"] for column, figures in found.items()}}


if __name__ == "__main__":
    main()
