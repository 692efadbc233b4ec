"""Lists of a RecBole model. Runs inside RecBole's own environment, where sgl_rec is not installed.

    PYTHON recbole_lists.py < SETTINGS    # a JSON object, see ``main``; the last line printed is one too

RecBole trains as it does: its loader, negatives, loss, trainer and early stopping on its own figure of the
validation part, which leaves out the training items of each user. Its lists are made here, of the scores of
``full_sort_predict`` (or ``predict`` of all pairs), with the training items of each user left out.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

USERS = 256
"""Whose scores are looked at at once."""


def main(settings: dict[str, Any]) -> dict[str, Any]:
    """Train, write the lists, and return what was seen.

    Args:
        settings: ``data_path`` (the folder that holds ``<dataset>/<dataset>.<part>.inter``), ``dataset``,
            ``model``, ``config`` (keys of RecBole), ``threads``, ``k``, ``out`` (a CSV file), ``checkpoints`` (a
            folder; where an earlier run was stopped, this one goes on from its best epoch).
    """
    torch.set_num_threads(settings["threads"])
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    config = Config(
        model=settings["model"],
        dataset=settings["dataset"],
        config_dict={
            "data_path": settings["data_path"],
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": {"inter": ["user_id", "item_id"]},
            "eval_args": {"group_by": "user", "order": "RO", "split": None, "mode": "full"},
            "metrics": ["NDCG"],
            "topk": [settings["k"]],
            "valid_metric": f"NDCG@{settings['k']}",
            "use_gpu": False,
            "show_progress": False,
            "checkpoint_dir": settings["checkpoints"],
            **settings["config"],
        },
    )
    init_seed(config["seed"], reproducibility=True)
    train, valid, _ = data_preparation(config, create_dataset(config))
    model = get_model(config["model"])(config, train.dataset).to(config["device"])
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    go_on(trainer, Path(settings["checkpoints"]))
    begin = time.perf_counter()
    best, _ = trainer.fit(train, valid, saved=True, show_progress=False)
    seconds = time.perf_counter() - begin
    state = torch.load(trainer.saved_model_file, map_location="cpu", weights_only=False)  # its own, of just now
    model.load_state_dict(state["state_dict"])
    model.load_other_parameter(state.get("other_parameter"))
    model.eval()
    write_lists(model, train.dataset, path=settings["out"], k=settings["k"])
    return {
        "valid": float(best),
        "seconds": seconds,
        "epochs": len(trainer.train_loss_dict),
        "settings": {name: config[name] for name in ("learning_rate", "train_batch_size", *settings["config"])},
        "versions": f"torch {torch.__version__}, {torch.get_num_threads()} threads",
    }


def go_on(trainer: Any, folder: Path) -> None:
    """RecBole's own resume, which reads its file as newer versions of torch refuse to."""
    found = sorted(folder.glob("*.pth"), key=lambda path: path.stat().st_mtime)
    if not found:
        return
    state = torch.load(found[-1], map_location="cpu", weights_only=False)  # of an earlier run of this script
    trainer.start_epoch, trainer.cur_step = state["epoch"] + 1, state["cur_step"]
    trainer.best_valid_score, trainer.saved_model_file = state["best_valid_score"], str(found[-1])
    trainer.best_valid_result = None
    trainer.model.load_state_dict(state["state_dict"])
    trainer.optimizer.load_state_dict(state["optimizer"])


@torch.no_grad()
def write_lists(model: Any, data: Any, *, path: str, k: int) -> None:
    """``user_id``, ``item_id``, ``rank`` of every user's best items that the training part does not have."""
    seen = data.inter_matrix(form="csr")
    users = data.field2id_token["user_id"]
    items = data.field2id_token["item_id"]
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["user_id", "item_id", "rank"])
        for start in range(1, data.user_num, USERS):  # index 0 is padding
            user = torch.arange(start, min(start + USERS, data.user_num))
            scores = model.full_sort_predict({"user_id": user}).view(len(user), -1).clone()
            row, item = seen[user.numpy()].nonzero()
            scores[torch.from_numpy(row), torch.from_numpy(item.astype(np.int64))] = -torch.inf
            scores[:, 0] = -torch.inf
            for which, best in zip(user.tolist(), scores.topk(k).indices.tolist(), strict=True):
                rows.writerows((users[which], items[one], rank) for rank, one in enumerate(best, start=1))


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
