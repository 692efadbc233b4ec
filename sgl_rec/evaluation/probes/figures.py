"""How good predicted classes are."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from sgl_rec.errors import must_be


def classification_figures(predicted: Int[Tensor, " B"], label: Int[Tensor, " B"]) -> dict[str, float]:
    r"""Accuracy, and precision, recall and F1 as plain means over the classes.

    .. math:: P_c = \frac{t_c}{\#\{\hat y = c\}},\quad R_c = \frac{t_c}{\#\{y = c\}},\quad
              F_c = \frac{2 t_c}{\#\{\hat y = c\} + \#\{y = c\}},\quad t_c = \#\{\hat y = y = c\}

    over the classes that occur among the predictions or the labels; 0 / 0 is 0.

    Returns: ``accuracy``, ``precision``, ``recall``, ``f1``, each in [0, 1].

    Raises: UserError without rows.

    Example:
        >>> classification_figures(torch.tensor([0, 1, 1, 1]), torch.tensor([0, 1, 0, 1]))["accuracy"]
        0.75

    Reference: Sokolova and Lapalme 2009, table 3, macro averages. Difference: F1 is averaged over the classes and
        not computed from the averages, as in scikit-learn.
    """
    if len(label) == 0:
        raise must_be("classification_figures", "rows", "at least one", "none")
    classes, code = torch.unique(torch.cat([predicted, label]), return_inverse=True)
    guess, truth = code[: len(label)], code[len(label) :]
    right = _count(truth[guess == truth], len(classes))
    guessed, there = _count(guess, len(classes)), _count(truth, len(classes))
    return {
        "accuracy": float(right.sum() / len(label)),
        "precision": float((right / guessed.clamp(min=1)).mean()),
        "recall": float((right / there.clamp(min=1)).mean()),
        "f1": float((2 * right / (guessed + there)).mean()),
    }


def _count(code: Tensor, number: int) -> Tensor:
    return torch.bincount(code, minlength=number).double()
