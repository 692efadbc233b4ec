"""Samples, twice, by epoch and step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.rng import draw_key, stream
from sgl_rec.training.pair_learner import Inputs, PairBatch

Side: TypeAlias = Callable[[Int64[Tensor, " B"], torch.Generator], Inputs]
"""(indices of samples, draws) -> the inputs of an encoder: a random view of each, or one of its modalities."""


class PairBatches:
    """Every epoch all samples in another order, in batches of one size; what is left over waits for the next.

    The order is drawn from the stream "batches/<epoch>", the views of a batch from "views/<epoch>/<step>".

    Args:
        first, second: the two sides of every sample.
        num_samples: at least 2.
        batch_size: at least 2; no larger than the number of samples.
        label: the class of each sample.
        negative: the hard negative of each sample.
        device: where the batches go once they are drawn.

    Raises: UserError for fewer samples, or a smaller batch.

    Example:
        >>> side = lambda index, generator: (index,)
        >>> batches = PairBatches(side, side, num_samples=5, batch_size=2, seed=0)
        >>> batches.num_steps, len(batches.epoch(0).batch(1).first[0])
        (2, 2)
    """

    def __init__(
        self,
        first: Side,
        second: Side,
        *,
        num_samples: int,
        batch_size: int,
        seed: int,
        label: Int64[Tensor, " S"] | None = None,
        negative: Side | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        if num_samples < 2:
            raise must_be("pretrain", "number of samples", "at least 2", num_samples)
        if batch_size < 2:
            raise must_be("pretrain", "training.batch_size", "at least 2, so that rows differ", batch_size)
        self._sides, self._negative, self._label = (first, second), negative, label
        self._num_samples, self._seed, self._device = num_samples, seed, device
        self.batch_size = min(batch_size, num_samples)

    @property
    def num_steps(self) -> int:
        return self._num_samples // self.batch_size

    def epoch(self, number: int) -> PairEpoch:
        order = torch.randperm(self._num_samples, generator=stream(self._seed, f"batches/{number}"))
        return PairEpoch(self, order, number)

    def _batch(self, index: Int64[Tensor, " B"], name: str) -> PairBatch:
        generator = stream(self._seed, name)
        first, second = (side(index, generator) for side in self._sides)
        negative = None if self._negative is None else self._negative(index, generator)
        label = None if self._label is None else self._label[index]
        return PairBatch(first, second, draw_key(generator), label, negative).to(self._device)


class PairEpoch:
    """The batches of one epoch."""

    def __init__(self, source: PairBatches, order: Int64[Tensor, " S"], number: int) -> None:
        self._source, self._order, self._number = source, order, number

    def batch(self, step: int) -> PairBatch:
        """The batch of a step, counted from 0."""
        size = self._source.batch_size
        return self._source._batch(self._order[step * size : (step + 1) * size], f"views/{self._number}/{step}")
