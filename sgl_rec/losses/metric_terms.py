"""Adapters from a step of pairs to the losses of metric learning."""

from __future__ import annotations

from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.losses.hard_negatives import batch_hard
from sgl_rec.losses.inputs import check_positive, mean_weight
from sgl_rec.losses.metric import logistic, margin_contrastive, n_pair, triplet
from sgl_rec.losses.pair_terms import PairStep, required
from sgl_rec.types import Precision

Negatives = Literal["batch-hard", "given"]


class TripletTerm(nn.Module):
    """Mean of ``triplet`` over rows, their partners and their negatives.

    Args:
        margin: see ``triplet``.
        negatives: which triples there are.

            - ``batch-hard``: each row of both views with the farthest row of its label and the nearest of another
              (without labels: its partner, and the nearest of all others). Rows without either are left out.
            - ``given``: the first view's rows, with the step's negatives.

    Raises: UserError for an unknown choice or a margin out of range, and with ``given`` at a step without
        negatives.

    Example:
        >>> import torch
        >>> TripletTerm()(PairStep(torch.eye(2), torch.eye(2)))  # 0 to the partner, 2^.5 to the others
        tensor(0.)
    """

    def __init__(self, *, margin: float = 1.0, negatives: Negatives = "batch-hard") -> None:
        super().__init__()
        check_positive("triplet", "margin", margin, advice="1 is usual")
        if negatives not in get_args(Negatives):
            raise must_be("triplet", "negatives", f"one of {', '.join(get_args(Negatives))}", repr(negatives))
        self.margin, self.negatives = margin, negatives

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        if self.negatives == "given":
            negative = required("triplet", "negative", step.negative, advice="or set negatives = 'batch-hard'")
            return triplet(step.first, step.second, negative, margin=self.margin).mean()
        embedding, label = step.labelled()
        positive, negative = batch_hard(embedding, label)
        kept = (positive >= 0) & (negative >= 0)
        found = (embedding.index_select(0, index.clamp(min=0)) for index in (positive, negative))
        losses = triplet(embedding, *found, margin=self.margin)
        return losses.where(kept, 0.0).sum() / kept.sum().clamp(min=1)


class MarginContrastiveTerm(nn.Module):
    """Mean of ``margin_contrastive`` over the rows of both views; without labels a row belongs to its partner.

    Args:
        margin: see ``margin_contrastive``.

    Raises: UserError for a margin out of range.

    Example:
        >>> import torch
        >>> MarginContrastiveTerm()(PairStep(torch.zeros(2, 2), torch.zeros(2, 2)))  # 1^2 / 2
        tensor(0.5000)
    """

    def __init__(self, *, margin: float = 1.0) -> None:
        super().__init__()
        check_positive("margin_contrastive", "margin", margin, advice="1 is usual")
        self.margin = margin

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return margin_contrastive(*step.labelled(), margin=self.margin).mean()


class LogisticTerm(nn.Module):
    """Mean of ``logistic`` over the rows of both views; without labels a row belongs to its partner.

    Args:
        temperature: see ``logistic``.

    Raises: UserError for a temperature out of range.

    Example:
        >>> import torch
        >>> LogisticTerm()(PairStep(torch.zeros(2, 2), torch.zeros(2, 2)))  # log 2, twice
        tensor(1.3863)
    """

    def __init__(self, *, temperature: float = 0.2) -> None:
        super().__init__()
        check_positive("logistic", "temperature", temperature, advice="0.2 is a usual start")
        self.temperature = temperature

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        return logistic(*step.labelled(), temperature=self.temperature).mean()


class NPairTerm(nn.Module):
    """Mean of ``n_pair``: the first view's rows pick their partners out of the second's.

    Args:
        precision: see ``info_nce``.

    Example:
        >>> import torch
        >>> NPairTerm()(PairStep(torch.ones(2, 4), torch.ones(2, 4)))  # log 2
        tensor(0.6931)
    """

    def __init__(self, *, precision: Precision = "float32") -> None:
        super().__init__()
        self.precision = precision

    def forward(self, step: PairStep) -> Float[Tensor, ""]:
        weight = mean_weight(len(step.first), step.first)
        return n_pair(step.first, step.second, weight=weight, precision=self.precision)
