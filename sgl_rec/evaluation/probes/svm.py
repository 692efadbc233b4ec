"""A support vector machine on embeddings, cross-validated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.inputs import as_array, check_labelled
from sgl_rec.extras import needed
from sgl_rec.rng import draw_key

PRICES = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)
"""What a violated margin may cost, usually called C."""


def svm(
    embedding: Float[Tensor, "B D"],
    label: Int[Tensor, " L"],
    *,
    num_folds: int = 10,
    num_inner_folds: int = 5,
    prices: Sequence[float] = PRICES,
    generator: torch.Generator,
) -> dict[str, float]:
    r"""Accuracy of a support vector machine in stratified folds, its price chosen within each training part.

    The kernel is :math:`\exp(-\gamma \lVert x - y \rVert^2)` with :math:`1 / \gamma` = D times the variance of
    all numbers of the training part. The price that is best in the inner folds, the lowest of equals, is fitted
    once more on the whole training part; a test part is looked at once.

    Args:
        num_folds, num_inner_folds: 2 to the number of rows of the smallest class.
        prices: C, each > 0.
        generator: shuffles the rows before they are divided; the inner folds are not shuffled again.

    Returns: ``accuracy``, the mean over the folds, and ``std``, their standard deviation.

    Raises: UserError for a table that is not finite or of another length than its labels, fewer than two classes,
        and values out of range; MissingDependencyError without scikit-learn.

    Example:
        >>> rows, label = torch.tensor([[0.0], [9.0]]).repeat(10, 1), torch.tensor([0, 1]).repeat(10)
        >>> svm(rows, label, num_folds=2, num_inner_folds=2, generator=torch.Generator())
        {'accuracy': 1.0, 'std': 0.0}

    Reference: Sun et al., "InfoGraph" (ICLR 2020), and You et al., "Graph Contrastive Learning with
        Augmentations" (NeurIPS 2020), whose code has these folds, prices and kernel.
    """
    _check(embedding, label, folds={"num_folds": num_folds, "num_inner_folds": num_inner_folds}, prices=prices)
    selection = needed("svm", "sklearn.model_selection")
    search = selection.GridSearchCV(
        needed("svm", "sklearn.svm").SVC(), {"C": sorted(prices)}, cv=num_inner_folds, scoring="accuracy"
    )
    seed = draw_key(generator) % 2**32
    folds = selection.StratifiedKFold(num_folds, shuffle=True, random_state=seed)
    rows, classes = as_array(embedding), as_array(label)
    shares = []
    for train, test in folds.split(rows, classes):
        search.fit(rows[train], classes[train])
        shares.append(float((search.predict(rows[test]) == classes[test]).mean()))
    return {"accuracy": float(np.mean(shares)), "std": float(np.std(shares))}


def _check(embedding: Tensor, label: Tensor, *, folds: Mapping[str, int], prices: Sequence[float]) -> None:
    check_labelled("svm", "embedding", embedding, label, num_classes=2)
    smallest = int(torch.unique(label, return_counts=True)[1].min())
    for name, number in folds.items():
        if number < 2:
            raise must_be("svm", name, "at least 2", number)
        if smallest < number:
            rule = f"at most {smallest}, the rows of the smallest class"
            raise must_be("svm", name, rule, number, "lower it (--folds of a probe)")
        smallest -= -(-smallest // number)  # of which the largest fold leaves the others
    if not prices or not all(0 < price < math.inf for price in prices):
        raise must_be("svm", "prices", "finite and > 0, at least one", list(prices))
