"""Does a pair of towers trained on one vendor's emoji know those of another?

Image to name and name to image, and the category of an emoji told by prompts alone, beside the towers before
their training. The emoji are those of the npm packages emoji-datasource-google and emoji-datasource-twitter,
unpacked to <folder>/google/package and <folder>/twitter/package; names and categories stand in their emoji.json.

    python benchmarks/bench_clip.py --folder emoji --epochs 12 --seeds 0
"""

from __future__ import annotations

import csv
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import click

PROMPTS = ("{}", "an emoji of {}", "a picture of {}")
SETTINGS: dict[str, Any] = {
    "data": {"label_column": "category", "tokenizer": "minilm", "length": 24},
    "encoder": {"width": 32},
    "second_encoder": {"name": "minilm_tokens", "num_layers": 1},
    "training": {"batch_size": 64},
}


@click.command()
@click.option("--folder", required=True, type=click.Path(exists=True, file_okay=False), help="With both vendors.")
@click.option("--train", "learnt", default="google", show_default=True, help="The vendor that is learnt from.")
@click.option("--test", "asked", default="twitter", show_default=True, help="The vendor that is asked about.")
@click.option("--method", default="clip", show_default=True, help="Of configs/pretrain/image-text, or a file.")
@click.option("--epochs", default=12, show_default=True, help="Passes over the pairs.")
@click.option("--seeds", default="0", show_default=True, help="As 0,1,2.")
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
def main(folder: str, learnt: str, asked: str, method: str, epochs: int, seeds: str, threads: int | None) -> None:
    figures = (
        "seed",
        "towers",
        "R@1 image to name",
        "R@1 name to image",
        "zero-shot",
        "95 %",
        "majority",
        "seconds",
    )
    click.echo(f"| {' | '.join(figures)} |")
    click.echo("|---|---|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        tables = {vendor: write_pairs(Path(folder), vendor, Path(scratch)) for vendor in (learnt, asked)}
        for seed in map(int, seeds.split(",")):
            found, seconds = look(tables[learnt], tables[asked], method, epochs, seed, threads, Path(scratch))
            for towers in ("before", "trained"):
                there, told = found["retrieval"][towers], found["zero_shot"][towers]
                recalls = f"{there['recall@1']:.4f} | {there['recall@1 back']:.4f}"
                interval = f"{told['low']:.3f} to {told['high']:.3f}"
                click.echo(
                    f"| {seed} | {towers} | {recalls} | {told['accuracy']:.3f} | {interval} | "
                    f"{told['majority']:.3f} | {seconds:.0f} |"
                )


def write_pairs(folder: Path, vendor: str, scratch: Path) -> Path:
    """A table of a vendor's emoji: the image's path, its name, its category."""
    package = folder.absolute() / vendor / "package"
    emoji = json.loads((package / "emoji.json").read_text(encoding="utf-8"))
    path = scratch / f"{vendor}.csv"
    (scratch / f"{vendor}-images").symlink_to(package / "img" / vendor / "64")
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["image", "text", "category"])
        for one in emoji:
            if one[f"has_img_{vendor}"]:
                rows.writerow([f"{vendor}-images/{one['image']}", one["name"], one["category"]])
    return path


def look(
    learnt: Path, asked: Path, method: str, epochs: int, seed: int, threads: int | None, scratch: Path
) -> tuple[dict[str, Any], float]:
    """Train on one table and probe on the other: the figures, and the seconds of training."""
    import sgl_rec
    from sgl_rec.settings import merge

    settings = merge(SETTINGS, {"training": {"max_epochs": epochs, "seed": seed}})
    begin = time.perf_counter()
    run = sgl_rec.pretrain(
        "image-text", learnt, method=method, settings=settings, out=scratch / f"run-{seed}", threads=threads
    )
    seconds = time.perf_counter() - begin
    return sgl_rec.probe(run.path, asked, probes=["retrieval", "zero_shot"], prompts=PROMPTS), seconds


if __name__ == "__main__":
    main()
