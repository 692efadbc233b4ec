"""Steps of RecBole's SGL. Runs inside RecBole's own environment, where sgl_rec is not installed.

    PYTHON recbole_sgl.py < SETTINGS    # a JSON object, see ``main``; the last line printed is one too

RecBole's own objects do the work: its data set from atomic files, its loader with its negative sampling, its
model and loss, its Adam with its defaults. What is different from its trainer: each of the three (views,
negatives, step) is timed apart, and nothing is evaluated, saved or logged. Its penalty is told to square the
norms, so that the loss is the one beside which it is measured.
"""

from __future__ import annotations

import functools
import json
import resource
import sys
import time
from typing import Any


def main(settings: dict[str, Any]) -> dict[str, Any]:
    """Measure, and return what was seen.

    Args:
        settings: ``data_path`` (the folder that holds ``<dataset>/<dataset>.<part>.inter``), ``dataset``,
            ``config`` (keys of RecBole), ``steps``, ``warmup``, ``threads``, ``device``.
    """
    import torch

    if settings["threads"]:
        torch.set_num_threads(settings["threads"])
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.model.general_recommender.sgl import SGL
    from recbole.utils import init_seed

    imports = peak_mb()
    begin = time.perf_counter()
    config = Config(
        model="SGL",
        dataset=settings["dataset"],
        config_dict={
            "data_path": settings["data_path"],
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": {"inter": ["user_id", "item_id"]},
            "eval_args": {"group_by": "user", "order": "RO", "split": None, "mode": "full"},
            "use_gpu": settings["device"] != "cpu",
            "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1, "dynamic": False},
            **settings["config"],
        },
    )
    init_seed(config["seed"], reproducibility=False)
    loader, _, _ = data_preparation(config, create_dataset(config))
    load, loaded = time.perf_counter() - begin, peak_mb()
    model = SGL(config, loader.dataset).to(config["device"])
    model.reg_loss.forward = functools.partial(model.reg_loss.forward, require_pow=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])
    begin = time.perf_counter()
    model.train()  # draws both views
    views = time.perf_counter() - begin
    seconds, negatives, losses = [], [], []
    batches = iter(loader)
    for _ in range(settings["warmup"] + settings["steps"]):
        begin = time.perf_counter()
        batch = next(batches).to(config["device"])
        drawn = time.perf_counter()
        optimizer.zero_grad()
        loss = model.calculate_loss(batch)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        if settings["device"] != "cpu":
            torch.cuda.synchronize()
        negatives.append(drawn - begin)
        seconds.append(time.perf_counter() - drawn)
    return {
        "seconds": seconds[settings["warmup"] :],
        "negatives": negatives[settings["warmup"] :],
        "views": views,
        "losses": [loss / config["train_batch_size"] for loss in losses],
        "num_steps": len(loader),
        "users": model.n_users - 1,  # RecBole's index 0 is padding
        "items": model.n_items - 1,
        "interactions": len(loader.dataset),
        "load": load,
        "imports_mb": imports,
        "data_mb": loaded,
        "peak_mb": peak_mb(),
        "device_mb": torch.cuda.max_memory_allocated() / 1e6 if settings["device"] != "cpu" else 0.0,
        "versions": f"torch {torch.__version__}, {torch.get_num_threads()} threads",
    }


def peak_mb() -> float:
    """The largest resident size of this process so far, in MB of 10^6 bytes (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin))))
