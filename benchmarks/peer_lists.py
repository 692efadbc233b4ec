"""Lists of RecBole's models on a split of ours, for ``sgl-rec bench --lists``.

    python benchmarks/peer_lists.py --dataset ml-1m --split lightgcnpp --model EASE --set reg_weight=800 --out e
    sgl-rec bench --dataset ml-1m --split lightgcnpp --method ease --lists recbole-ease=e --out b

RecBole has an environment of its own, made once. It chooses its epoch on the same validation part; the lists
leave out the training items alone, as that split's protocol does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.peers import environment, recbole_sgl

LISTS = Path(__file__).parent / "peers" / "recbole_lists.py"


@click.command()
@click.option("--dataset", required=True, help="As for `sgl-rec train`.")
@click.option("--split", required=True, help="As for `sgl-rec train`.")
@click.option("--model", required=True, help="A general recommender of RecBole, as LightGCN or EASE.")
@click.option("--set", "settings", multiple=True, metavar="KEY=JSON", help="A key of RecBole's config.")
@click.option("--k", type=click.IntRange(min=1), default=20, show_default=True, help="Length of a list.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--checkpoints", type=click.Path(path_type=Path, file_okay=False),
    help="RecBole's best state is kept there; the same command goes on from it.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A CSV file.")
def main(
    dataset: str,
    split: str,
    model: str,
    settings: tuple[str, ...],
    k: int,
    threads: int,
    checkpoints: Path | None,
    out: Path,
) -> None:
    """Train a model of RecBole and write its lists; what was seen goes to stdout as JSON."""
    from sgl_rec.pipeline.prepare import prepare

    pairs = (text.partition("=") for text in settings)
    config: dict[str, Any] = {key: json.loads(value) for key, _, value in pairs}
    python = environment.recbole(environment.default_folder())
    prepared = prepare(dataset, method="lightgcn", split=split, device=torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        recbole_sgl.export(prepared, Path(folder))
        made = Path(folder) / "lists.csv"
        asked = {"data_path": folder, "dataset": recbole_sgl.NAME, "model": model, "config": config,
                 "threads": threads, "k": k, "out": str(made),
                 "checkpoints": str((checkpoints or Path(folder)).absolute())}  # fmt: skip
        ended = subprocess.run(
            [str(python), str(LISTS)], input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=False,
            cwd=folder,
        )  # fmt: skip
        if ended.returncode:
            raise SystemExit("RecBole failed")
        _write(made, out, prepared)
    click.echo(ended.stdout.splitlines()[-1])


def _write(made: Path, out: Path, prepared: Any) -> None:
    """The lists with the ids of the data in place of the indices RecBole was given."""
    import pandas as pd

    lists = pd.read_csv(made)
    lists["user_id"] = prepared.dataset.users.values.to_numpy()[lists["user_id"]]
    lists["item_id"] = prepared.dataset.items.values.to_numpy()[lists["item_id"]]
    lists.to_csv(out, index=False)


if __name__ == "__main__":
    main()
