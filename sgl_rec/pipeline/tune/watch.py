"""Watches a trial: its validation curve, and whether it is worth going on with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sgl_rec.pipeline.tune.search import Proposal
from sgl_rec.training.loop import Nobody
from sgl_rec.training.stopping import EarlyStopping

LEAST_EPOCHS = 5
"""Before that no trial is pruned, whatever its metric."""


class Pruned(Exception):  # noqa: N818 - nothing went wrong
    """The trial is behind others, and is given up."""


class Watch(Nobody):
    """The observer of a trial.

    A fresh model with a ranking loss stays near its start for many epochs (``training/stopping.py``): a trial is
    pruned only when its metric has passed ``floor``, or after ``warmup`` validations.

    Args:
        floor: popularity's metric.

    Raises: Pruned, within the loop.
    """

    def __init__(self, proposal: Proposal, *, metric: str, floor: float, warmup: int) -> None:
        self._proposal, self._metric = proposal, metric
        self._start = EarlyStopping(patience=1, floor=floor, warmup=warmup)
        self.curve: list[tuple[int, float]] = []
        self.epochs = 0

    def on_epoch(self, row: Mapping[str, float]) -> None:
        self.epochs = int(row["epoch"])
        if self._metric not in row or not math.isfinite(row[self._metric]):
            return
        value = float(row[self._metric])
        self.curve.append((self.epochs, value))
        self._start.update(value, self.epochs)
        self._proposal.report(value, self.epochs)
        if self._start.started and self.epochs >= LEAST_EPOCHS and self._proposal.is_behind:
            raise Pruned(f"behind the median at epoch {self.epochs}")
