"""Content -> places in the recommender's space: a tower is trained, cold items are weighed against warm."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from sgl_rec.baselines.placed_items import PlacedItems
from sgl_rec.config import Config, Content
from sgl_rec.encoders.content_tower import ContentTower, Placed
from sgl_rec.evaluation.cold import of_items
from sgl_rec.evaluation.evaluate import Evaluation, evaluate
from sgl_rec.evaluation.intervals import bootstrap_interval
from sgl_rec.losses.contrastive import info_nce
from sgl_rec.pipeline.build import cut_off
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.placement import Choice, Placement
from sgl_rec.pipeline.late import some_users
from sgl_rec.pipeline.measure import degree, measured, seen_pairs
from sgl_rec.rng import stream
from sgl_rec.training.content_learner import ContentLearner, ItemBatches
from sgl_rec.training.interrupt import StopRequest
from sgl_rec.training.loop import Fitted, Trainer
from sgl_rec.training.stopping import EarlyStopping
from sgl_rec.types import Embeddings, Interactions, PairIndex, Scorer, Split

log = logging.getLogger("sgl_rec")

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Of popularity, to choose from."""
HANDICAPS = (100.0, 50.0, 20.0, 10.0, 7.0, 5.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5)
"""Of cold items, to choose from, the largest first."""
HELD_SHARE = 0.1
"""Of the warm items: treated as cold where validation has no items that are."""
SHARE = 3 / 8
"""Of the width of a metric's 95 % interval that cold items may cost: half of it would be its end."""
FEWEST = 10
"""Cold items with validation interactions by which something is chosen."""


def choose_placement(
    config: Config,
    content: ItemContent,
    learnt: Embeddings,
    first: Scorer,
    split: Split,
    *,
    stop: StopRequest | None = None,
) -> Choice:
    """How long a tower is trained, and how cold items are weighed, by validation items treated as cold.

    These are the items that validation has and training has not; where there are hardly any, a tenth of the warm
    ones, which the tower is then not shown. The epoch and the weight of popularity are those with the best
    ``training.metric`` of cold items among themselves. The handicap is the smallest one that costs the metric of
    warm items less than ``SHARE`` of the width of its 95 % interval, and that of all items no more beside the
    best handicap: as many cold items are shown as is free.

    Args:
        first: what scores warm items.
    """
    assert config.content is not None
    begin, metric = time.perf_counter(), config.training.metric
    known = degree(split, ("train",)) > 0
    asked = torch.from_numpy(measured(some_users(split), "valid").item_degree() > 0)
    held = ~known & asked & content.described
    learnt_from = known & content.described
    if int(held.sum()) < FEWEST:
        held = _drawn(learnt_from & asked, seed=config.training.seed)
        learnt_from = learnt_from & ~held
    if int(held.sum()) < FEWEST or int(learnt_from.sum()) < FEWEST:
        epochs = min(Choice.epochs, config.content.max_epochs)
        log.warning("content: too few items to choose by; the tower is trained for %d epochs", epochs)
        return Choice(epochs, seconds=time.perf_counter() - begin)
    # All that will be placed in the end are rivals, whether or not anybody has touched them since.
    rivals = held | (~known & content.described)
    judge = _Judge(first, learnt, split, held=held, rivals=rivals, metric=metric)

    def validate(placed: Placed) -> Mapping[str, float]:
        return {metric: judge.among_cold(placed, weight=Choice.weight)}

    fitted = _learn(config, content, learnt, split.train, learnt_from, validate=validate, stop=stop)
    placed = _placed(fitted)
    weights = {one: judge.among_cold(placed, weight=one) for one in WEIGHTS}
    weight = max(weights, key=weights.__getitem__)
    handicap, handicaps = judge.best_handicap(placed, weight=weight)
    log.info(
        "content: %d epochs, popularity x %g, handicap %g, by valid %s of %d items taken for cold (%.4f of them)",
        fitted.epoch, weight, handicap, metric, int(held.sum()), weights[weight],
    )  # fmt: skip
    tried = {"weight": {f"{one:g}": value for one, value in weights.items()}, "handicap": handicaps}
    return Choice(fitted.epoch, weight, handicap, int(held.sum()), tried, time.perf_counter() - begin)


def place(
    config: Config,
    content: ItemContent,
    learnt: Embeddings,
    data: Interactions,
    *,
    epochs: int,
    stop: StopRequest | None = None,
) -> Placement:
    """Train a tower on all described items that are in ``data``, and place every item."""
    known = torch.from_numpy(data.item_degree() > 0)
    fitted = _learn(config, content, learnt, data, known & content.described, epochs=epochs, stop=stop)
    return Placement(_placed(fitted), ~known & content.described, known, fitted.parameters)


def make_tower(settings: Content, content: ItemContent, *, embedding_dim: int, seed: int) -> ContentTower:
    """A fresh tower, its start drawn from the stream "content/initial"."""
    return ContentTower(
        [block.shape[1] for block in content.rows],
        embedding_dim=embedding_dim,
        hidden_dim=settings.hidden_dim,
        drop_rate=settings.drop_rate,
        generator=stream(seed, "content/initial"),
    )


def _learn(
    config: Config,
    content: ItemContent,
    learnt: Embeddings,
    data: Interactions,
    among: Bool[Tensor, " I"],
    *,
    validate: Callable[[Any], Mapping[str, float]] | None = None,
    epochs: int | None = None,
    stop: StopRequest | None = None,
) -> Fitted:
    """Train a tower on the items ``among``."""
    settings, seed = config.content, config.training.seed
    assert settings is not None
    target = learnt.item.detach().cpu()
    tower = make_tower(settings, content, embedding_dim=target.shape[1], seed=seed)
    tower.fit_scale([block[among] for block in content.rows], content.known[among])
    popularity = torch.from_numpy(data.item_degree()).float().clamp(min=1).log()

    def contrast(anchor: Tensor, candidate: Tensor) -> Tensor:
        return info_nce(anchor, candidate, torch.arange(len(anchor)), temperature=settings.temperature)

    learner = ContentLearner(
        tower,
        blocks=content.rows,
        known=content.known,
        target=target,
        popularity=popularity - popularity[among].mean(),
        contrast=contrast,
    )
    patience = EarlyStopping(patience=settings.patience, floor=-np.inf, warmup=0)
    return Trainer(
        learner,
        batches=ItemBatches(among.nonzero()[:, 0], batch_size=settings.batch_size, seed=seed),
        learning_rate=settings.learning_rate,
        max_epochs=epochs or settings.max_epochs,
        validate=validate,
        metric=config.training.metric,
        stopping=None if validate is None else patience,
        stop=stop,
    ).fit()


def _placed(fitted: Fitted) -> Placed:
    """What the tower made in its best epoch."""
    found: Any = fitted.embeddings
    placed: Placed = found
    return placed


def _drawn(items: Bool[Tensor, " I"], *, seed: int) -> Bool[Tensor, " I"]:
    """A tenth of ``items``."""
    index = items.nonzero()[:, 0]
    order = torch.randperm(len(index), generator=stream(seed, "content/held"))
    held = torch.zeros_like(items)
    held[index[order[: int(len(index) * HELD_SHARE)]]] = True
    return held


class _Judge:
    """Measures placements on validation, by items ``held`` as cold ones among all ``rivals`` without a past."""

    def __init__(
        self,
        first: Scorer,
        learnt: Embeddings,
        split: Split,
        *,
        held: Bool[Tensor, " I"],
        rivals: Bool[Tensor, " I"],
        metric: str,
    ) -> None:
        self._first, self._user, self._held, self._rivals = first, learnt.user.detach().cpu(), held, rivals
        self._metric, self._k = metric, cut_off(metric)
        fewer = some_users(split)
        self._relevant = PairIndex.build([measured(fewer, "valid")])
        self._seen = seen_pairs(split, split.remove_at_valid, trained_on=("train",))
        self._warm = (degree(split, ("train",)) > 0) & ~held

    def among_cold(self, placed: Placed, *, weight: float) -> float:
        """The metric of held items, ranked alone."""
        asked = of_items(self._relevant, self._held)
        return float(self._of(self._scorer(placed, weight, 1.0), asked, self._held).metrics[self._metric])

    def best_handicap(self, placed: Placed, *, weight: float) -> tuple[float, dict[str, float]]:
        """The smallest handicap that costs hardly anything, and the metric over all items of each."""
        warm, ranked = of_items(self._relevant, self._warm), self._warm | self._rivals
        before, least = 0.0, float("inf")
        if len(warm.item):  # of a split whose validation items are all cold nothing can be lost
            alone = self._of(self._first, warm, self._warm)
            low, high = bootstrap_interval(alone.per_user[self._metric])
            before, least = alone.metrics[self._metric], (high - low) * SHARE
        values, allowed = {}, []
        for handicap in HANDICAPS:
            scorer = self._scorer(placed, weight, handicap)
            values[handicap] = float(self._of(scorer, self._relevant, ranked).metrics[self._metric])
            if len(warm.item) and self._of(scorer, warm, ranked).metrics[self._metric] < before - least:
                break  # a smaller one leaves even less to the warm items
            allowed.append(handicap)
        best = max((values[one] for one in allowed), default=0.0)
        fair = [one for one in allowed if values[one] >= best - least]
        return min(fair, default=HANDICAPS[0]), {f"{one:g}": value for one, value in values.items()}

    def _scorer(self, placed: Placed, weight: float, handicap: float) -> Scorer:
        place, popularity = placed
        return PlacedItems(
            self._first,
            user=self._user,
            place=place,
            popularity=popularity,
            cold=self._rivals,
            warm=self._warm,
            weight=weight,
            handicap=handicap,
        )

    def _of(self, scorer: Scorer, relevant: PairIndex, allowed: Tensor) -> Evaluation:
        return evaluate(scorer, relevant=relevant, seen=self._seen, allowed=allowed, ks=[self._k])
