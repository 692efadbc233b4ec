"""Where content puts the items of a run, and how cold ones are weighed: what a run keeps of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool
from torch import Tensor

from sgl_rec.baselines.placed_items import PlacedItems
from sgl_rec.encoders.content_tower import Placed
from sgl_rec.types import Embeddings, Scorer


@dataclass(frozen=True)
class Choice:
    """What validation says of a tower.

    Args:
        epochs: to train it for.
        weight, handicap: see ``PlacedItems``.
        held: items by which it was chosen; 0 where there were too few, and nothing was.
        tried: what else there was: setting -> metric.
        seconds: that it took.
    """

    epochs: int = 20
    weight: float = 0.5
    handicap: float = 2.0
    held: int = 0
    tried: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a tower has put every item of a run, and the tower itself.

    Args:
        cold: items that the recommender was not trained on, and that are described.
        warm: items that it was trained on.
    """

    placed: Placed
    cold: Bool[Tensor, " I"]
    warm: Bool[Tensor, " I"]
    parameters: Mapping[str, Tensor]

    def embeddings(self, learnt: Embeddings) -> Embeddings:
        """The recommender's, cold items at their places, as far out as warm ones are in the mean."""
        item = learnt.item.detach().cpu().clone()
        length = item[self.warm].norm(dim=1).mean()
        item[self.cold] = torch.nn.functional.normalize(self.placed.place[self.cold], dim=1) * length
        return Embeddings(learnt.user.detach().cpu(), item)

    def scorer(self, first: Scorer, user: Tensor, choice: Choice) -> Scorer:
        """``first`` with the cold items at their places."""
        if not self.cold.any():
            return first
        place, popularity = self.placed
        return PlacedItems(
            first, user=user.detach().cpu(), place=place, popularity=popularity, cold=self.cold, warm=self.warm,
            weight=choice.weight, handicap=choice.handicap,
        )  # fmt: skip
