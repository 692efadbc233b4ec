"""What a step of paired embeddings holds, and the terms that tell a row's partner from other rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.losses.hard_negatives import check_hardness, hard_nt_xent
from sgl_rec.losses.inputs import check_length, check_pair, check_positive, mean_weight
from sgl_rec.losses.presets import clip, moco, nt_xent, simcse
from sgl_rec.losses.queue import Queue
from sgl_rec.losses.supervised import supervised_contrastive
from sgl_rec.losses.temperature import LearnedTemperature
from sgl_rec.types import Precision


@dataclass(frozen=True, eq=False)
class PairStep:
    """All that a pair loss may look at: what the heads made of two views, or two modalities, of a batch.

    Args:
        first, second: row b of one belongs to row b of the other.
        first_target, second_target: the same by the momentum encoder, without gradient.
        label: the class of each row.
        negative: a hard negative of each row, a contradiction for example.

    Raises: UserError for parts of several shapes.
    """

    first: Float[Tensor, "B D"]
    second: Float[Tensor, "B D"]
    first_target: Float[Tensor, "B D"] | None = None
    second_target: Float[Tensor, "B D"] | None = None
    label: Int64[Tensor, " B"] | None = None
    negative: Float[Tensor, "B D"] | None = None

    def __post_init__(self) -> None:
        for name in ("second", "first_target", "second_target", "negative"):
            if (rows := getattr(self, name)) is not None:
                check_pair("PairStep", ("first", self.first), (name, rows))
        if self.label is not None:
            check_length("PairStep", "label", self.label, len(self.first))

    def labelled(self) -> tuple[Float[Tensor, "B2 D"], Int64[Tensor, " B2"]]:
        """The rows of both views, one below the other, and their labels: row numbers where there are none."""
        label = torch.arange(len(self.first), device=self.first.device) if self.label is None else self.label
        return torch.cat([self.first, self.second]), label.repeat(2)


def required(where: str, name: str, value: Tensor | None, *, advice: str) -> Tensor:
    """A part of a step that a term cannot do without. Raises: UserError where it is absent."""
    if value is None:
        raise must_be(where, name, "given", None, advice)
    return value


class NtXentTerm(nn.Module):
    """Mean of ``nt_xent`` over the rows of both views (SimCLR).

    Args:
        temperature, precision: see ``nt_xent``.

    Raises: UserError for a temperature out of range.

    Example:
        >>> NtXentTerm()(PairStep(torch.ones(2, 4), torch.ones(2, 4)))  # log 3
        tensor(1.0986)
    """

    def __init__(self, *, temperature: float = 0.1, precision: Precision = "float32") -> None:
        super().__init__()
        check_positive("nt_xent", "temperature", temperature, advice="0.1 to 0.5 is usual")
        self.temperature, self.precision = temperature, precision

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        weight = mean_weight(2 * len(step.first), step.first)
        return nt_xent(
            step.first, step.second, temperature=self.temperature, weight=weight, precision=self.precision
        )


class HardNtXentTerm(nn.Module):
    """Mean of ``hard_nt_xent`` over the rows of both views.

    Args:
        temperature, concentration, positive_prior, precision: see ``hard_nt_xent``.

    Raises: UserError for a setting out of range.

    Example:
        >>> HardNtXentTerm()(PairStep(torch.ones(2, 4), torch.ones(2, 4)))  # log 3
        tensor(1.0986)
    """

    def __init__(
        self,
        *,
        temperature: float = 0.5,
        concentration: float = 1.0,
        positive_prior: float = 0.1,
        precision: Precision = "float32",
    ) -> None:
        super().__init__()
        check_hardness(temperature=temperature, concentration=concentration, positive_prior=positive_prior)
        self.temperature, self.concentration = temperature, concentration
        self.positive_prior, self.precision = positive_prior, precision

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return hard_nt_xent(
            step.first,
            step.second,
            temperature=self.temperature,
            concentration=self.concentration,
            positive_prior=self.positive_prior,
            precision=self.precision,
        ).mean()


class ClipTerm(nn.Module):
    """Mean of ``clip`` over the pairs, at a temperature that is learnt.

    Args:
        temperature: where it begins.
        learn_temperature: whether it moves, see ``LearnedTemperature``.
        precision: see ``info_nce``.

    Raises: UserError for a temperature out of range (below 0.01 where it is learnt).

    Example:
        >>> ClipTerm(learn_temperature=False)(PairStep(torch.ones(2, 4), torch.ones(2, 4)))  # log 2
        tensor(0.6931)
    """

    def __init__(
        self, *, temperature: float = 0.07, learn_temperature: bool = True, precision: Precision = "float32"
    ) -> None:
        super().__init__()
        check_positive("clip", "temperature", temperature, advice="0.07 is a usual start")
        self.fixed, self.precision = temperature, precision
        self.learned = LearnedTemperature(start=temperature) if learn_temperature else None

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return clip(
            step.first,
            step.second,
            temperature=self.fixed if self.learned is None else self.learned(),
            weight=mean_weight(len(step.first), step.first),
            precision=self.precision,
        )

    def after_step(self) -> None:
        if self.learned is not None:
            self.learned.after_step()


class SimcseTerm(nn.Module):
    """Mean of ``simcse`` over the sentences, with the step's hard negatives where it has any.

    Args:
        temperature, precision: see ``simcse``.

    Raises: UserError for a temperature out of range.

    Example:
        >>> SimcseTerm()(PairStep(torch.ones(2, 4), torch.ones(2, 4), negative=torch.ones(2, 4)))  # log 4
        tensor(1.3863)
    """

    def __init__(self, *, temperature: float = 0.05, precision: Precision = "float32") -> None:
        super().__init__()
        check_positive("simcse", "temperature", temperature, advice="0.05 is usual")
        self.temperature, self.precision = temperature, precision

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return simcse(
            step.first,
            step.second,
            temperature=self.temperature,
            negative=step.negative,
            weight=mean_weight(len(step.first), step.first),
            precision=self.precision,
        )


class SupervisedContrastiveTerm(nn.Module):
    """Mean of ``supervised_contrastive`` over the rows of both views: a row's other view is of its label, too.

    Args:
        temperature, precision: see ``supervised_contrastive``.

    Raises: UserError for a temperature out of range, and at a step without labels.

    Example:
        >>> step = PairStep(torch.ones(2, 4), torch.ones(2, 4), label=torch.tensor([5, 5]))
        >>> SupervisedContrastiveTerm()(step)  # log 3
        tensor(1.0986)
    """

    def __init__(self, *, temperature: float = 0.1, precision: Precision = "float32") -> None:
        super().__init__()
        check_positive("supervised_contrastive", "temperature", temperature, advice="0.1 is a usual start")
        self.temperature, self.precision = temperature, precision

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        required("supervised_contrastive", "label", step.label, advice="use data with classes, or nt_xent")
        embedding, label = step.labelled()
        return supervised_contrastive(
            embedding,
            label,
            temperature=self.temperature,
            weight=mean_weight(len(label), embedding),
            precision=self.precision,
        )


class MocoTerm(nn.Module):
    """Mean of ``moco`` over the queries: the first view's rows, each with the momentum encoder's second as key.

    The keys enter the queue after the optimiser's step, so that none is its own negative.

    Args:
        temperature, precision: see ``moco``.
        queue_size: K, the number of keys that are kept.
        embedding_dim: D, the width of the keys.
        symmetric: also the second view's rows with the first's keys, the mean of both; both enter the queue.
        generator: draws what the queue begins with.

    Raises: UserError for a setting out of range, at a step without targets, or with rows of another width.

    Example:
        >>> term = MocoTerm(queue_size=8, embedding_dim=4, generator=torch.Generator().manual_seed(0))
        >>> step = PairStep(torch.ones(2, 4), torch.ones(2, 4), second_target=torch.ones(2, 4))
        >>> list(term.state_dict()), term(step).shape
        (['queue.rows', 'queue.position'], torch.Size([]))
    """

    def __init__(
        self,
        *,
        temperature: float = 0.07,
        queue_size: int = 4096,
        embedding_dim: int = 128,
        symmetric: bool = False,
        generator: torch.Generator,
        precision: Precision = "float32",
    ) -> None:
        super().__init__()
        check_positive("moco", "temperature", temperature, advice="0.07 to 0.2 is usual")
        self.temperature, self.symmetric, self.precision = temperature, symmetric, precision
        self.queue = Queue(size=queue_size, embedding_dim=embedding_dim, generator=generator)
        self._keys: Tensor | None = None

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        pairs = [(step.first, _target("moco", "second_target", step.second_target))]
        if self.symmetric:
            pairs.append((step.second, _target("moco", "first_target", step.first_target)))
        if self.training:
            self._keys = torch.cat([key for _, key in pairs]).detach()
        return torch.stack([self._pick(query, key) for query, key in pairs]).mean()

    def after_step(self) -> None:
        """Let the keys of the last step in. They are not forgotten: a recorded step writes them in place."""
        if self._keys is not None:
            self.queue.enqueue(self._keys)

    def _pick(self, query: Tensor, key: Tensor) -> Tensor:
        return moco(
            query,
            key,
            self.queue.rows,
            temperature=self.temperature,
            weight=mean_weight(len(query), query),
            precision=self.precision,
        )


def _target(where: str, name: str, value: Tensor | None) -> Tensor:
    return required(where, name, value, advice="train with a momentum encoder")
