"""evaluate: the figures of a run from its folder alone, and exactly the lists that were scored."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sgl_rec.errors import UserError
from sgl_rec.export.lists import open_lists
from sgl_rec.pipeline.baseline import read_scorer
from sgl_rec.pipeline.content.stage import neighbours
from sgl_rec.pipeline.measure import check_unseen, figures
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.ranking import MEMORY_BUDGET


def evaluate_run(
    folder: RunFolder,
    *,
    ks: Sequence[int] | None = None,
    output: Path | None = None,
    memory_budget: int = MEMORY_BUDGET,
) -> dict[str, Any]:
    """Score the test part again.

    Args:
        ks: cut-offs; by default those of the run.
        output: where the lists that are scored go (``.parquet``, ``.csv``, ``.jsonl``).

    Returns: ``{"test": {...}, "baselines": {"popularity": {...}}, "protocol": {...}}`` as in ``metrics.json``.

    Raises: UserError when there is no test part, or the model was trained on it.
    """
    stored = folder.data
    folder.check_output(output)
    if not len(stored.split.test):
        raise UserError(f"{folder.path}: evaluate needs test interactions, got none; train on a split with some")
    check_unseen(folder.read_model()[1]["trained_on"])  # before a baseline is fitted again
    scorer, about = read_scorer(folder)
    with contextlib.ExitStack() as stack:
        on_block = None
        if output is not None:
            file = stack.enter_context(open_lists(output, users=stored.users, items=stored.items))
            on_block = file.write
        result = figures(
            scorer,
            stored.split,
            trained_on=tuple(about["trained_on"]),
            ks=tuple(ks or folder.config.evaluation.k),
            memory_budget=memory_budget,
            on_block=on_block,
            neighbours=neighbours(folder.content, stored.split, tuple(about["trained_on"])),
        )
    result["protocol"]["metric"] = folder.config.training.metric
    return result
