"""Content in a run: chosen after the recommender has learnt, placed in what it has learnt."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sgl_rec.baselines.content_knn import ContentKnn
from sgl_rec.config import Config
from sgl_rec.pipeline.build import takes_content
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.place import choose_placement, place
from sgl_rec.pipeline.content.placement import Choice, Placement
from sgl_rec.pipeline.measure import joined
from sgl_rec.training.interrupt import StopRequest
from sgl_rec.types import Embeddings, Scorer, Split

log = logging.getLogger("sgl_rec")

MOST_ITEMS = 50_000
"""Whose nearest neighbours are found to stand beside: the time grows with the square."""


@dataclass
class ContentStage:
    """What a run knows of its items' content; without ``[content]`` nothing, and everything is left as it is.

    Args:
        choice: made by ``choose``; None for a baseline that has no embeddings to place items among.
    """

    config: Config
    split: Split
    content: ItemContent | None
    stop: StopRequest | None = None
    choice: Choice | None = None
    placement: Placement | None = None
    placed_on: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def vectors(self) -> Tensor | None:
        """Of all items, for a baseline that takes them."""
        return vectors_for(self.config, self.content)

    def choose(self, learnt: Embeddings | None, first: Scorer) -> None:
        """Settle by validation how long a tower is trained, and how cold items are weighed."""
        settings = self.config.content
        if settings is not None and settings.tower and self.content is not None and learnt is not None:
            self.choice = choose_placement(self.config, self.content, learnt, first, self.split, stop=self.stop)
            self.seconds = self.choice.seconds

    def place(self, learnt: Embeddings | None, trained_on: Sequence[str]) -> None:
        """Put every item at its place among embeddings that were learnt on these parts."""
        if self.content is None or self.choice is None or learnt is None or self.placed_on == tuple(trained_on):
            return
        begin, data = time.perf_counter(), joined(self.split, trained_on)
        epochs = self.choice.epochs
        self.placement = place(self.config, self.content, learnt, data, epochs=epochs, stop=self.stop)
        self.placed_on = tuple(trained_on)
        self.seconds += time.perf_counter() - begin

    def scorer(self, first: Scorer, learnt: Embeddings | None) -> Scorer:
        """``first`` with cold items at their places."""
        if self.placement is None or self.choice is None or learnt is None:
            return first
        return self.placement.scorer(first, learnt.user, self.choice)

    def neighbours(self, trained_on: Sequence[str]) -> Scorer | None:
        """Nearest neighbours by content alone, to stand beside."""
        return neighbours(self.content, self.split, trained_on)

    @property
    def facts(self) -> dict[str, Any]:
        """For ``metrics.json``."""
        if self.content is None:
            return {}
        found: dict[str, Any] = {
            "blocks": dict(zip(self.content.blocks, self.content.known.sum(0).tolist(), strict=True))
        }
        if self.choice is not None:
            found |= {key: getattr(self.choice, key) for key in ("epochs", "weight", "handicap", "held", "tried")}
        return {"content": {**found, "seconds": self.seconds}}

    @property
    def about(self) -> dict[str, float]:
        """For ``model.safetensors``."""
        if self.choice is None:
            return {}
        return {"content_weight": float(self.choice.weight), "content_handicap": float(self.choice.handicap)}


def vectors_for(config: Config, content: ItemContent | None) -> Tensor | None:
    """The vectors of all items where the method has a baseline that takes them."""
    return content.vectors if content is not None and takes_content(config) else None


def neighbours(content: ItemContent | None, split: Split, trained_on: Sequence[str]) -> Scorer | None:
    """Nearest neighbours by content alone; None without content, or where no item is cold."""
    if content is None or "cold_items" not in split.facts:
        return None
    if len(content.known) > MOST_ITEMS:
        log.info("content: the neighbours of more than %d items are not measured beside it", MOST_ITEMS)
        return None
    return ContentKnn(joined(split, trained_on), item_vectors=content.vectors)
