"""Training on labels: an encoder under a linear map of its rows to classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.rng import draw_key, scope, stream
from sgl_rec.types import Terms


@dataclass(frozen=True, eq=False)
class LabelledBatch:
    """B samples, views of them or as they are, and the class of each; ``key`` seeds what the encoder draws."""

    inputs: tuple[Any, ...]
    label: Int64[Tensor, " B"]
    key: int


class LabelledBatches:
    """Every epoch all given samples in another order, the last batch as large as what is left.

    The order is drawn from the stream "batches/<epoch>", the views of a batch from "views/<epoch>/<step>".

    Args:
        side: (indices of samples, draws) -> the inputs of an encoder.
        index: the samples that are learnt from; ``label`` has the class of each of these.
        batch_size: at most so many samples at once, in batches as even as can be.

    Example:
        >>> index, label = torch.tensor([3, 5, 8]), torch.tensor([0, 1, 0])
        >>> batches = LabelledBatches(lambda some, draws: (some,), index=index, label=label, batch_size=2, seed=0)
        >>> batches.num_steps, sorted(batches.epoch(0).batch(0).inputs[0].tolist())
        (2, [3, 8])
    """

    def __init__(
        self,
        side: Callable[[Int64[Tensor, " B"], torch.Generator], tuple[Any, ...]],
        *,
        index: Int64[Tensor, " S"],
        label: Int64[Tensor, " S"],
        batch_size: int,
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self._side, self._index, self._label, self._seed, self._device = side, index, label, seed, device
        self.num_steps = -(-len(index) // batch_size)

    def epoch(self, number: int) -> LabelledEpoch:
        order = torch.randperm(len(self._index), generator=stream(self._seed, f"batches/{number}"))
        return LabelledEpoch(self, order, number)

    def _batch(self, places: Int64[Tensor, " B"], name: str) -> LabelledBatch:
        generator = stream(self._seed, name)
        inputs = tuple(one.to(self._device) for one in self._side(self._index[places], generator))
        return LabelledBatch(inputs, self._label[places].to(self._device), draw_key(generator))


class LabelledEpoch:
    """The batches of one epoch."""

    def __init__(self, source: LabelledBatches, order: Int64[Tensor, " S"], number: int) -> None:
        self._source, self._parts, self._number = source, order.tensor_split(source.num_steps), number

    def batch(self, step: int) -> LabelledBatch:
        """The batch of a step, counted from 0."""
        return self._source._batch(self._parts[step], f"views/{self._number}/{step}")


class Classifier(nn.Module):
    """An encoder and a linear map of its rows; the map begins at zero, so that all classes are equally likely.

    Args:
        encoder: has ``embedding_dim``.
        num_classes: at least 1.
    """

    def __init__(self, encoder: Any, *, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.map = nn.Linear(int(encoder.embedding_dim), num_classes)
        nn.init.zeros_(self.map.weight)
        nn.init.zeros_(self.map.bias)

    def forward(self, *inputs: Any) -> Float[Tensor, "B C"]:
        logits: Tensor = self.map(self.encoder(*inputs))
        return logits


class ClassLearner:
    """A Learner of ``LabelledBatch``es by cross-entropy.

    .. math:: \\ell_b = -\\log \\operatorname{softmax}(W h_b + c)_{y_b}
    """

    def __init__(self, encoder: Classifier) -> None:
        self.encoder: nn.Module = encoder
        self.objective = nn.Module()

    def draw_views(self, epoch: int, step: int) -> tuple[Any, ...]:
        """Nothing: a batch is its view."""
        return ()

    def backward(self, batch: LabelledBatch, views: tuple[Any, ...]) -> Terms:
        self.encoder.train()
        with scope(torch.Generator().manual_seed(batch.key)):
            loss = nn.functional.cross_entropy(self.encoder(*batch.inputs), batch.label)
        torch.autograd.backward(loss)
        return Terms(loss, {"cross_entropy": loss.detach()})

    def embed(self) -> None:
        """Nothing is looked at before the end."""

    def on_epoch(self) -> None:
        """Nothing is kept by epoch."""

    def after_step(self) -> None:
        """Nothing follows the step."""
