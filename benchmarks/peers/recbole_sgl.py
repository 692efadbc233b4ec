"""RecBole's SGL as a contender: whether it is the same model, its data and settings, and the call."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sgl_rec.pipeline.prepare import Prepared

TYPES = {"edge_drop": "ED", "node_drop": "ND", "layerwise_edge_drop": "RW"}
STEPS = Path(__file__).with_name("recbole_steps.py")
NAME = "sgl"


def is_same(prepared: Prepared) -> bool:
    """Whether RecBole's SGL is what the run trains: all nodes as candidates, users and items apart."""
    config = prepared.config
    terms = {part.name: part.arguments for part in config.loss.values()}
    if config.views is None or config.views.name not in TYPES or set(terms) != {"bpr", "info_nce", "l2"}:
        return False
    return terms["info_nce"]["candidates"] == "all" and terms["info_nce"]["sides"] == "apart"


def settings(prepared: Prepared) -> dict[str, Any]:
    """Keys of RecBole's config that make its loss B times ours (a sum over the batch where ours is a mean)."""
    config = prepared.config
    assert config.views is not None
    terms = {part.name: part for part in config.loss.values()}
    return {
        "type": TYPES[config.views.name],
        "n_layers": config.encoder.arguments["num_layers"],
        "embedding_size": config.encoder.arguments["embedding_dim"],
        "train_batch_size": config.training.batch_size,
        "learning_rate": config.training.learning_rate,
        "seed": config.training.seed,
        "drop_ratio": config.views.arguments["drop_rate"],
        "ssl_tau": terms["info_nce"].arguments["temperature"],
        "ssl_weight": terms["info_nce"].weight / terms["bpr"].weight,
        # this term alone is a mean in RecBole too
        "reg_weight": terms["l2"].weight / terms["bpr"].weight * config.training.batch_size,
    }


def export(prepared: Prepared, folder: Path) -> None:
    """The parts of the split as RecBole's atomic files; it knows the users and items from all three."""
    import pandas as pd

    (folder / NAME).mkdir()
    for part in ("train", "valid", "test"):
        rows = prepared.split.parts()[part]
        table = pd.DataFrame({"user_id:token": rows.user, "item_id:token": rows.item})
        table.to_csv(folder / NAME / f"{NAME}.{part}.inter", sep="\t", index=False)


def run(python: Path, folder: Path, config: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """What was seen: one process of RecBole's environment. Raises: RuntimeError with its last words."""
    asked = {"data_path": str(folder), "dataset": NAME, "config": config, **options}
    ended = subprocess.run(
        [str(python), str(STEPS)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if ended.returncode:
        raise RuntimeError(f"RecBole failed:\n{ended.stderr[-2000:]}")
    seen: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return seen
