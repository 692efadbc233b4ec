"""Training a content tower: an item's content is to find the item's own embedding among the others'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from sgl_rec.rng import draw_key, scope, stream
from sgl_rec.types import Terms

Contrast = Callable[[Tensor, Tensor], Tensor]
"""(B rows of content, the B embeddings that belong to them) -> a loss for each."""


@dataclass(frozen=True, eq=False)
class ItemBatch:
    """Indices of items; ``key`` seeds what the tower draws."""

    item: Int64[Tensor, " B"]
    key: int


class ItemBatches:
    """Every epoch all given items in another order, in batches as even as can be.

    Example:
        >>> batches = ItemBatches(torch.tensor([3, 5, 8]), batch_size=2, seed=0)
        >>> epoch = batches.epoch(0)
        >>> sorted(torch.cat([epoch.batch(step).item for step in range(batches.num_steps)]).tolist())
        [3, 5, 8]
    """

    def __init__(self, items: Int64[Tensor, " S"], *, batch_size: int, seed: int) -> None:
        self._items, self._seed = items, seed
        self.num_steps = -(-len(items) // batch_size)

    def epoch(self, number: int) -> ItemEpoch:
        generator = stream(self._seed, f"content/{number}")
        order = self._items[torch.randperm(len(self._items), generator=generator)]
        return ItemEpoch(order.tensor_split(self.num_steps), draw_key(generator))


class ItemEpoch:
    """The batches of one epoch."""

    def __init__(self, parts: Sequence[Tensor], key: int) -> None:
        self._parts, self._key = parts, key

    def batch(self, step: int) -> ItemBatch:
        return ItemBatch(self._parts[step], (self._key + step) % 2**62)


class ContentLearner:
    r"""A Learner of ``ItemBatch``es: contrast in both directions, and the popularity that content lets expect.

    .. math:: \ell = \tfrac{1}{B} \sum_i \left[\ell_{NCE}(p_i, e_i) + \ell_{NCE}(e_i, p_i)
        + (\hat n_i - (\log n_i - \overline{\log n}))^2 \right]

    Args:
        encoder: a tower, see ``encoders.content_tower``.
        blocks, known: its input, for all items.
        target: e, the embeddings it is to find; nothing learns of it.
        popularity: the log of the interactions of each item, less the mean.
        contrast: one direction of the loss.

    Reference: eq. 4 of CLCRec (Wei et al., MM 2021, arXiv:2107.05315). Differences: the recommender has learnt
        before, both directions count, and popularity is foretold too.
    """

    def __init__(
        self,
        encoder: Any,
        *,
        blocks: Sequence[Float[Tensor, "I F"]],
        known: Bool[Tensor, "I P"],
        target: Float[Tensor, "I D"],
        popularity: Float[Tensor, " I"],
        contrast: Contrast,
    ) -> None:
        self.encoder: Any = encoder
        self.objective: nn.Module = nn.Module()
        self._blocks, self._known, self._target = blocks, known, target
        self._popularity, self._contrast = popularity, contrast

    def draw_views(self, epoch: int, step: int) -> tuple[Any, ...]:
        """Nothing: content has no views."""
        return ()

    def backward(self, batch: ItemBatch, views: tuple[Any, ...]) -> Terms:
        """The terms and their gradients."""
        self.encoder.train()
        with scope(torch.Generator().manual_seed(batch.key)):
            found = self.encoder([block[batch.item] for block in self._blocks], self._known[batch.item])
        target = self._target[batch.item]
        contrastive = (self._contrast(found.place, target) + self._contrast(target, found.place)).mean()
        popularity = (found.popularity - self._popularity[batch.item]).square().mean()
        terms = Terms(
            contrastive + popularity, {"contrastive": contrastive.detach(), "popularity": popularity.detach()}
        )
        torch.autograd.backward(terms.total)
        return terms

    @torch.no_grad()
    def embed(self) -> Any:
        """Where the tower places every item."""
        self.encoder.eval()
        return self.encoder(self._blocks, self._known)

    def on_epoch(self) -> None:
        """Nothing."""

    def after_step(self) -> None:
        """Nothing."""
