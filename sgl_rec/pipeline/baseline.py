"""Baselines in a run: fitted at once where others are trained, and fitted again where the run is used."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from sgl_rec.config import Config
from sgl_rec.errors import must_be
from sgl_rec.pipeline.build import cut_off, make_baseline, make_scorer, takes_content
from sgl_rec.pipeline.content.new_items import Placing
from sgl_rec.pipeline.content.placement import Choice
from sgl_rec.pipeline.late import add_late
from sgl_rec.pipeline.measure import joined, validation
from sgl_rec.pipeline.observers import epoch_line
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.training.interrupt import Interrupted, StopRequest
from sgl_rec.types import Embeddings, Scorer, Split

log = logging.getLogger("sgl_rec")


@dataclass(frozen=True, eq=False)
class FittedBaseline:
    """What fitting a baseline leaves, under the names of ``training.loop.Fitted``; its one epoch is number 0."""

    scorer: Scorer
    history: list[dict[str, float]]
    parameters: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0

    @property
    def embeddings(self) -> Embeddings | None:
        """Those of a baseline with factors."""
        return self.scorer if isinstance(self.scorer, Embeddings) else None


class BaselineStage:
    """The fits of a run whose method is a baseline. They have no checkpoints: a resume fits again."""

    def __init__(self, config: Config, split: Split, *, stop: StopRequest, vectors: Tensor | None = None) -> None:
        self.config, self.split, self.stop, self.vectors = config, split, stop, vectors

    def search(self) -> FittedBaseline:
        """Fit on ``train``, and measure validation."""
        metric = self.config.training.metric
        scorer, row = self._fit(("train",))
        if len(self.split.valid):
            begin = time.perf_counter()
            validate = validation(self.split, ks=sorted({*self.config.evaluation.k, cut_off(metric)}))
            row |= validate(scorer)
            row["seconds_validation"] = time.perf_counter() - begin
        else:
            log.warning("no validation interactions: its figures are left out")
        log.info("%s", epoch_line(row, stage="fit", metric=metric))
        return FittedBaseline(scorer, [row])

    def refit(self, name: str, parts: tuple[str, ...], *, epochs: int) -> FittedBaseline:
        """Fit afresh on ``parts``."""
        log.info("%s: fitting on %s", name, " + ".join(parts))
        scorer, row = self._fit(parts)
        return FittedBaseline(scorer, [row], epoch=epochs)

    def _fit(self, parts: Sequence[str]) -> tuple[Scorer, dict[str, float]]:
        begin = time.perf_counter()
        scorer = make_baseline(self.config, joined(self.split, parts), vectors=self.vectors)
        if self.stop.requested:
            raise Interrupted
        return scorer, {"epoch": 0, "seconds": time.perf_counter() - begin, "seconds_validation": 0.0}


def read_scorer(folder: RunFolder, new_items: Placing | None = None) -> tuple[Scorer, dict[str, Any]]:
    """What scores in a finished run, and what is known about it.

    The stored embeddings, or their late sum; a baseline without such is fitted again to the pairs the run knows.
    Items that content has given a place are scored by it, and so are ``new_items`` behind them.

    Raises: UserError when the run is damaged or not finished.
    """
    scorer, about = _without_places(folder)
    placement = folder.placement() if new_items is None else new_items.placement
    if placement is None:
        return scorer, about
    learnt, _ = folder.read_model()
    assert learnt is not None, "places are in a space of embeddings"
    return placement.scorer(
        scorer, learnt.user, Choice(weight=about["content_weight"], handicap=about["content_handicap"])
    ), about


def _without_places(folder: RunFolder) -> tuple[Scorer, dict[str, Any]]:
    embeddings, about = folder.read_model()
    config, data = folder.config, joined(folder.data.split, about["trained_on"])
    vectors = folder.content.vectors if folder.content is not None and takes_content(config) else None
    weight = about.get("late_weight")
    if config.late_sum is not None and weight not in config.late_sum.weights:
        got = str(weight)[:60]
        raise must_be(str(folder.model_file), "late_weight", "one of the config's", repr(got), folder.again)
    if embeddings is not None and not weight:
        return make_scorer(config, embeddings, data), about
    log.info("%s: fitting %s again", folder.path, (config.late_sum or config.baseline or config.encoder).name)
    if embeddings is None:
        return make_baseline(config, data, vectors=vectors), about
    return add_late(config, embeddings, data, weight=weight, vectors=vectors), about
