"""What is minimised: a weighted list of named terms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from sgl_rec.errors import must_be
from sgl_rec.types import Terms


class Objective(nn.Module):
    r"""The weighted sum of named terms, each a Module from a step (``Step``, ``PairStep``) to a scalar.

    .. math:: \text{total} = \sum_k w_k \cdot \text{term}_k(\text{step})

    Args:
        terms: label -> (term, weight >= 0). A term of weight 0 is left out: neither computed nor logged.

    Raises: UserError for a weight that is negative or not finite, no term with a weight above 0, or a label that
        cannot name a Module (a dot in it, empty, or a method's name).

    Example:
        >>> from sgl_rec.losses.terms import BprTerm, L2Term
        >>> from sgl_rec.types import Batch, Embeddings, Step
        >>> objective = Objective({"bpr": (BprTerm(), 1.0), "l2": (L2Term(), 0.1)})
        >>> table = Embeddings(torch.ones(2, 4), torch.ones(3, 4))
        >>> batch = Batch(torch.tensor([0, 1]), torch.tensor([2, 2]), torch.tensor([0, 1]))
        >>> terms = objective(Step(batch, table, table))
        >>> terms.total, dict(terms.values)  # log 2 + 0.1 * 6
        (tensor(1.2931), {'bpr': tensor(0.6931), 'l2': tensor(6.)})
    """

    def __init__(self, terms: Mapping[str, tuple[nn.Module, float]]) -> None:
        super().__init__()
        for label, (_, weight) in terms.items():
            if not label or "." in label or hasattr(nn.ModuleDict, label):
                raise must_be("Objective", "label", "a plain name of a term", repr(label), "choose another name")
            if not (weight >= 0 and math.isfinite(weight)):
                raise must_be("Objective", f"weight of {label!r}", "finite and >= 0", weight)
        self.weights = {label: float(weight) for label, (_, weight) in terms.items() if weight > 0}
        if not self.weights:
            raise must_be("Objective", "terms", "at least one with a weight above 0", list(terms))
        self.terms = nn.ModuleDict({label: terms[label][0] for label in self.weights})

    def forward(self, step: Any) -> Terms:
        """Each term unweighted and detached in ``values``, their weighted sum in ``total``."""
        values = {label: term(step) for label, term in self.terms.items()}
        total = torch.stack([self.weights[label] * value for label, value in values.items()]).sum()
        return Terms(total, {label: value.detach() for label, value in values.items()})

    def on_epoch(self, embeddings: Any) -> None:
        """Tell the terms that keep state (centroids, prototypes) that an epoch begins, where they listen."""
        for term in self.terms.values():
            if hook := getattr(term, "on_epoch", None):
                hook(embeddings)

    def after_step(self) -> None:
        """Tell the terms that keep state (a queue) that the optimiser has stepped, where they listen."""
        for term in self.terms.values():
            if hook := getattr(term, "after_step", None):
                hook()
