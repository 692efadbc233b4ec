"""Self-supervision of an encoder: pairs of views, or of modalities, through networks, heads and a pair loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sgl_rec.rng import scope
from sgl_rec.training.cached_gradients import cached_backward
from sgl_rec.training.momentum import MomentumEncoder
from sgl_rec.types import Terms

Inputs = tuple[Any, ...]
"""The positional arguments of an encoder, for B samples."""


@dataclass(frozen=True, eq=False)
class PairBatch:
    """B samples, twice.

    Args:
        first, second: row b of both is of one sample: two views of it, or its two modalities.
        key: what the encoders draw with (dropout): the same key, the same draws.
        label: the class of each sample.
        negative: inputs of the second encoder, a hard negative of each sample.
    """

    first: Inputs
    second: Inputs
    key: int
    label: Tensor | None = None
    negative: Inputs | None = None

    def to(self, device: torch.device | str) -> PairBatch:
        first, second = (tuple(one.to(device) for one in side) for side in (self.first, self.second))
        negative = None if self.negative is None else tuple(one.to(device) for one in self.negative)
        label = None if self.label is None else self.label.to(device)
        return PairBatch(first, second, self.key, label, negative)


class PairNetworks(nn.Module):
    """What is trained: a tower for each side, whose projections a pair loss sees.

    Args:
        encoder, head: the tower of the first side; the head maps what the encoder makes.
        second_encoder, second_head: that of the second side; by default the same.
        predictor: over the projections of both sides, before the loss (BYOL).
        momentum: (the first tower) -> its slow copy, whose projections are the targets (MoCo, BYOL).
    """

    def __init__(
        self,
        encoder: nn.Module,
        head: nn.Module,
        *,
        second_encoder: nn.Module | None = None,
        second_head: nn.Module | None = None,
        predictor: nn.Module | None = None,
        momentum: Callable[[nn.Module], MomentumEncoder] | None = None,
    ) -> None:
        super().__init__()
        self.first = nn.ModuleDict({"encoder": encoder, "head": head})
        self.second: nn.ModuleDict | None = None
        if second_encoder is not None and second_head is not None:
            self.second = nn.ModuleDict({"encoder": second_encoder, "head": second_head})
        self.predictor = predictor
        self.momentum = None if momentum is None else momentum(Tower(encoder, head))

    @property
    def width(self) -> int:
        """Of the projections."""
        head: Any = self.first["head"]
        return int(head.output_dim)

    @property
    def towers(self) -> tuple[nn.Module, nn.Module]:
        """The first side's and the second's; one and the same where they share."""
        first = Tower(self.first["encoder"], self.first["head"])
        return first, first if self.second is None else Tower(self.second["encoder"], self.second["head"])

    def predicted(self, projection: Tensor) -> Tensor:
        """What the loss compares with a target."""
        return projection if self.predictor is None else self.predictor(projection)


class Tower(nn.Module):
    """A head over an encoder."""

    def __init__(self, encoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, *inputs: Any) -> Tensor:
        projected: Tensor = self.head(self.encoder(*inputs))
        return projected


class PairLearner:
    """A Learner of ``PairBatch``es.

    Args:
        encoder: the networks.
        objective: a Module that maps what ``make_step`` makes to Terms, with ``on_epoch`` and ``after_step``.
        make_step: the record of the loss room, ``losses.pair_terms.PairStep``.
        embed: (the networks, in evaluation mode) -> what validation and monitors look at.
        chunk_size: rows that pass through an encoder at once (``training.cached_gradients``); None for all.
    """

    def __init__(
        self,
        encoder: PairNetworks,
        objective: nn.Module,
        *,
        make_step: Callable[..., Any],
        embed: Callable[[PairNetworks], Any],
        chunk_size: int | None = None,
    ) -> None:
        self.encoder: Any = encoder
        self.objective: Any = objective
        self._make_step, self._embed, self._chunk_size = make_step, embed, chunk_size

    def draw_views(self, epoch: int, step: int) -> tuple[Any, ...]:
        """Nothing: a batch has its two views in it."""
        return ()

    def backward(self, batch: PairBatch, views: tuple[Any, ...]) -> Terms:
        """Project both sides, compute the terms and their gradients."""
        self.encoder.train()
        first, second = self.encoder.towers
        sides = [(first, batch.first), (second, batch.second)]
        if batch.negative is not None:
            sides.append((second, batch.negative))
        generator = torch.Generator().manual_seed(batch.key)
        targets = self._targets(batch, generator)
        found: list[Terms] = []

        def loss(*projections: Tensor) -> Tensor:
            own = [self.encoder.predicted(one) for one in projections]
            negative = own[2] if len(own) > 2 else None
            step = self._make_step(own[0], own[1], *targets, label=batch.label, negative=negative)
            found.append(self.objective(step))
            return found[-1].total

        if self._chunk_size is not None:
            cached_backward(sides, loss, chunk_size=self._chunk_size, generator=generator)
        else:
            with scope(generator):
                total = loss(*(tower(*inputs) for tower, inputs in sides))
            torch.autograd.backward(total)
        return found[-1]

    def _targets(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor | None, Tensor | None]:
        momentum = self.encoder.momentum
        if momentum is None:
            return None, None
        with scope(generator):
            return momentum(*batch.first), momentum(*batch.second)

    @torch.no_grad()
    def embed(self) -> Any:
        self.encoder.eval()
        return self._embed(self.encoder)

    def on_epoch(self) -> None:
        """Pair losses keep no state by epoch."""

    def after_step(self) -> None:
        self.objective.after_step()
        if self.encoder.momentum is not None:
            self.encoder.momentum.follow(self.encoder.towers[0])
