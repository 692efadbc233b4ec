"""Do contrastive losses make better vectors of sentences, by the scores that people gave to pairs of them?

On STS-B: supervised contrast from MiniLM's weights (the pairs of train scored 4 and more, with hard negatives
found among those scored up to 1), and SimCSE without labels from a weak start (two layers of random weights over
MiniLM's embeddings of tokens) on the sentences of train. Each beside its own start on the same pairs, with the
interval of the difference.

    SGL_REC_DATA=data python benchmarks/bench_sts.py --part test
"""

from __future__ import annotations

import functools
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import click

COLUMNS = ("genre", "file", "year", "id", "score", "first", "second")
PAIRS: dict[str, Any] = {
    "form": "table",
    "delimiter": "tab",
    "columns": list(COLUMNS),
    "text_column": "first",
    "other_column": "second",
    "score_column": "score",
}
WEAK: dict[str, Any] = {
    "data": {"tokenizer": "minilm"},
    "encoder": {"name": "minilm_tokens", "num_layers": 2},
}


@click.command()
@click.option("--part", default="test", show_default=True, help="dev, by which settings are chosen, or test.")
@click.option(
    "--only", type=click.Choice(["supervised", "unsupervised"]), help="One of the two  [default: both]."
)
@click.option("--set", "settings", multiple=True, help="Over both methods, as training.max_epochs=5.")
@click.option("--seeds", default="0", show_default=True, help="As 0,1,2.")
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
def main(part: str, only: str | None, settings: tuple[str, ...], seeds: str, threads: int | None) -> None:
    from sgl_rec.settings import merge, parse_setting

    folder = Path(os.environ["SGL_REC_DATA"]) / "stsb"
    given = functools.reduce(merge, map(parse_setting, settings), {})
    click.echo(f"| contrast | seed | before | trained, {part} | difference | its 95 % | seconds |")
    click.echo("|---|--:|--:|--:|--:|---|--:|")
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("unsupervised", "supervised") if only is None else (only,):
            for seed in map(int, seeds.split(",")):
                click.echo(look(name, folder, part, given, seed, threads, Path(scratch)))


def look(
    name: str, folder: Path, part: str, given: dict[str, Any], seed: int, threads: int | None, scratch: Path
) -> str:
    """Train, and compare with the start on the pairs of a part: a row of the table."""
    import torch

    import sgl_rec
    from sgl_rec.evaluation.probes.sts import cosines, spearman, spearman_difference
    from sgl_rec.pipeline.pretrain.encode import embed_samples, fresh_embedder, other_samples, read_embedder
    from sgl_rec.settings import merge

    train = folder / "sts-train.csv"
    if name == "supervised":
        source, method = train, "minilm"
        settings: dict[str, Any] = {"data": {**PAIRS, "min_score": 4.0, "max_negative_score": 1.0}}
    else:
        source, method, settings = scratch / "sentences.txt", "simcse", WEAK
        rows = [line.split("\t") for line in train.read_text(encoding="utf-8").splitlines()]
        sentences = dict.fromkeys(text for row in rows for text in row[5:7])
        source.write_text("\n".join(sentences) + "\n", encoding="utf-8")
    begin = time.perf_counter()
    over = merge(merge(settings, given), {"training": {"seed": seed}})
    run = sgl_rec.pretrain(
        "text", source, method=method, settings=over, out=scratch / f"{name}-{seed}", threads=threads
    )
    seconds = time.perf_counter() - begin
    samples = other_samples(run, folder / f"sts-{part}.csv", settings=PAIRS)
    assert samples.score is not None
    found = []
    for encoder in (fresh_embedder(run.config, shape=samples.shape), read_embedder(run)):
        first, second = (embed_samples(encoder, side) for side in (samples, samples.other_side))
        found.append(cosines(first, second))
    before, trained = found
    draws = torch.Generator().manual_seed(0)
    gain = spearman_difference(trained, before, samples.score, generator=draws)
    figures = (spearman(before, samples.score), spearman(trained, samples.score), gain["difference"])
    return (
        f"| {name} | {seed} | {' | '.join(f'{100 * one:.2f}' for one in figures)} | "
        f"{100 * gain['low']:.2f} to {100 * gain['high']:.2f} | {seconds:.0f} |"
    )


if __name__ == "__main__":
    main()
