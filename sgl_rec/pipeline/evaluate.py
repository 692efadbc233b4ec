"""evaluate: the figures of a run from its folder alone, and exactly the lists that were scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sgl_rec.errors import UserError
from sgl_rec.export.lists import list_format, write_lists
from sgl_rec.pipeline.measure import measure_test, popularity_baseline
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.ranking import MEMORY_BUDGET
from sgl_rec.types import RankedLists


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
    split = stored.split
    if not len(split.test):
        raise UserError(f"{folder.path}: evaluate needs test interactions, got none; train on a split with some")
    embeddings, about = folder.read_model()
    trained_on = tuple(about["trained_on"])
    cuts = tuple(ks or folder.config.evaluation.k)
    if output is not None:
        list_format(output)
    scored: list[RankedLists] = []
    on_block = None if output is None else scored.append
    measured = measure_test(
        embeddings, split, trained_on=trained_on, ks=cuts, memory_budget=memory_budget, on_block=on_block
    )
    baseline = measure_test(
        popularity_baseline(split, trained_on),
        split,
        trained_on=trained_on,
        ks=cuts,
        memory_budget=memory_budget,
    )
    if output is not None:
        write_lists(scored, users=stored.users, items=stored.items, path=output, titles=None)
    return {
        "test": dict(measured.metrics),
        "baselines": {"popularity": dict(baseline.metrics)},
        "protocol": {
            "split": split.name,
            "remove_at_test": sorted({*split.remove_at_test, *trained_on}),
            "users_measured": len(measured.users),
            "users_left_out": measured.num_left_out,
        },
    }
