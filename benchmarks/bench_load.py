"""How long, and in how much memory, does a file of interactions become a graph?

    python benchmarks/bench_load.py --rows 10000000 [--form csv] [--form parquet]

A log with the shape of a shop's (popular items, skewed users, a few repeated pairs, times in unix seconds) is
written to a temporary folder; every form is then read, indexed, split at random and made a graph in a process of
its own, whose peak resident memory is the figure. Beside it stands what a user would write by hand:
`pandas.read_csv` / `read_parquet` and `pandas.factorize` of both columns, with nothing checked, folded or split.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

FORMS = ("csv", "parquet")


def generate(folder: Path, rows: int, *, chunk: int = 1_000_000) -> dict[str, Path]:
    """``log.csv`` and ``log.parquet`` of the same rows, a chunk at a time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    rng = np.random.default_rng(0)
    users, items = max(10, rows // 50), max(10, rows // 200)
    paths = {form: folder / f"log.{form}" for form in FORMS}
    schema = pa.schema([("user_id", pa.int64()), ("item_id", pa.int64()), ("timestamp", pa.int64())])
    with (
        pyarrow.csv.CSVWriter(paths["csv"], schema) as csv,
        pyarrow.parquet.ParquetWriter(paths["parquet"], schema) as parquet,
    ):
        for start in range(0, rows, chunk):
            size = min(chunk, rows - start)
            columns = {
                "user_id": 10_000_000 + (users * rng.random(size) ** 1.5).astype(np.int64),
                "item_id": 500_000 + (items * rng.random(size) ** 3).astype(np.int64),
                "timestamp": 1_700_000_000 + rng.integers(0, 10_000_000, size),
            }
            table = pa.table(columns, schema=schema)
            csv.write_table(table)
            parquet.write_table(table)
    return paths


def ours(path: Path) -> dict[str, float]:
    """Seconds and peak megabytes after each stage of the way from the file to the graph."""
    from sgl_rec.data.assemble import dataset_from_path
    from sgl_rec.data.splits import random_split
    from sgl_rec.graph.build import build_graph

    figures = Figures()
    data = dataset_from_path(path, name="log", entry=None)
    figures.add("read, index")
    split = random_split(data)
    figures.add("split")
    del data
    build_graph(split.train)
    figures.add("graph")
    return figures.values


def by_hand(path: Path) -> dict[str, float]:
    """The same for the two lines of pandas."""
    import pandas as pd

    figures = Figures()
    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    figures.add("read")
    for name in ("user_id", "item_id"):
        pd.factorize(frame[name])
    figures.add("factorize")
    return figures.values


class Figures:
    """Seconds since the last stage, and the peak of the process so far."""

    def __init__(self) -> None:
        self.values = {"imports MB": peak()}
        self.last = time.perf_counter()

    def add(self, stage: str) -> None:
        now = time.perf_counter()
        self.values |= {f"{stage} s": now - self.last, f"{stage} MB": peak()}
        self.last = now


def peak() -> float:
    """Peak resident memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@click.command()
@click.option("--rows", type=click.IntRange(min=1000), default=10_000_000, show_default=True)
@click.option("--form", "forms", type=click.Choice(FORMS), multiple=True, default=FORMS, show_default=True)
@click.option("--file", type=click.Path(path_type=Path), help="A file that is there already, instead.")
@click.option("--worker", type=click.Choice(["ours", "by_hand"]), hidden=True)
def main(rows: int, forms: tuple[str, ...], file: Path | None, worker: str | None) -> None:
    """Print seconds, peak memory and megabytes per million rows of each stage."""
    if worker and file:
        print(json.dumps({"ours": ours, "by_hand": by_hand}[worker](file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        if file is None:
            started = time.perf_counter()
            paths = generate(Path(folder), rows)
            print(f"{rows:,} rows generated in {time.perf_counter() - started:.1f} s")
        for path in [file] if file else [paths[form] for form in forms]:
            print(f"{path.name}, {path.stat().st_size / 1e6:.0f} MB")
            for who in ("ours", "by_hand"):
                report(who, path, rows)


def report(who: str, path: Path, rows: int) -> None:
    """Measure in a fresh process, and print."""
    command = [sys.executable, __file__, "--worker", who, "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    values = json.loads(done.stdout.splitlines()[-1])
    stages = [name.removesuffix(" s") for name in values if name.endswith(" s")]
    seconds, base = sum(values[f"{stage} s"] for stage in stages), values["imports MB"]
    highest = max(values[f"{stage} MB"] for stage in stages)
    for stage in stages:
        print(f"  {who:8} {stage:12} {values[f'{stage} s']:6.2f} s, peak so far {values[f'{stage} MB']:6.0f} MB")
    print(
        f"  {who:8} {'all':12} {seconds:6.2f} s, peak {highest:6.0f} MB, of which imports {base:.0f} MB: "
        f"{(highest - base) / rows * 1e6:.0f} MB per million rows"
    )


if __name__ == "__main__":
    main()
