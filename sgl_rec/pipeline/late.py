"""What a method scores with in the end: its learnt scores, and how much of a baseline's is added."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from sgl_rec.baselines.late_sum import LateSum
from sgl_rec.config import Config
from sgl_rec.pipeline.build import cut_off, make_baseline, make_scorer
from sgl_rec.pipeline.measure import measured, validation
from sgl_rec.types import Interactions, Scorer, Split

log = logging.getLogger("sgl_rec")

USERS = 4096
"""Validation users by whom a weight is chosen: they tell hundredths of a metric apart, in seconds."""


@dataclass(frozen=True, eq=False)
class Late:
    """What a method scores with once it has learnt.

    Args:
        weight: of the baseline; None for a method without a late sum.
        tried: weight -> validation metric; empty where there was no choice.
        seconds: that the fit and the choice took.
    """

    scorer: Scorer
    weight: float | None = None
    tried: Mapping[float, float] = field(default_factory=dict)
    seconds: float = 0.0


def choose_late(config: Config, learnt: Scorer, split: Split, *, vectors: Tensor | None = None) -> Late:
    """What ``learnt`` scores with; its late sum, where there is one, with the weight that is best on validation.

    The weights are compared by ``training.metric`` on the same validation users, at most ``USERS`` of them,
    evenly spaced. ``vectors`` are of the items' content, for a baseline that takes it.
    """
    learnt = make_scorer(config, learnt, split.train)
    if config.late_sum is None:
        return Late(learnt)
    begin, weights, metric = time.perf_counter(), config.late_sum.weights, config.training.metric
    baseline = make_baseline(config, split.train, vectors=vectors) if any(weights) else None
    weight, tried = weights[0], {}
    if len(weights) > 1 and len(split.valid):
        validate = validation(some_users(split), ks=[cut_off(metric)])
        tried = {one: validate(_sum(learnt, baseline, one))[metric] for one in weights}
        weight = max(tried, key=tried.__getitem__)
        log.info(
            "late sum: weight %g, by valid %s of %s",
            weight,
            metric,
            ", ".join(f"{one:g}: {value:.4f}" for one, value in tried.items()),
        )
    return Late(_sum(learnt, baseline, weight), weight, tried, time.perf_counter() - begin)


def add_late(
    config: Config, learnt: Scorer, data: Interactions, *, weight: float | None, vectors: Tensor | None = None
) -> Scorer:
    """The same with a weight that is known, baseline and popularity those of ``data``."""
    learnt = make_scorer(config, learnt, data)
    return _sum(learnt, make_baseline(config, data, vectors=vectors), weight) if weight else learnt


def _sum(learnt: Scorer, baseline: Scorer | None, weight: float) -> Scorer:
    return learnt if baseline is None or not weight else LateSum(learnt, baseline, weight=weight)


def some_users(split: Split) -> Split:
    """The split with the validation items of some users alone."""
    users = np.unique(measured(split, "valid").user)
    chosen = users[:: -(-len(users) // USERS)] if len(users) > USERS else users
    return replace(split, valid=split.valid.take(np.isin(split.valid.user, chosen)))
