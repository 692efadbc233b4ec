"""Logistic regression on embeddings."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.figures import classification_figures
from sgl_rec.evaluation.probes.inputs import as_array, check_labelled
from sgl_rec.extras import needed


def linear(
    train: Float[Tensor, "B D"],
    train_label: Int[Tensor, " L"],
    test: Float[Tensor, "T D"],
    test_label: Int[Tensor, " M"],
    *,
    l2_weight: float = 1.0,
    max_iterations: int = 1000,
) -> dict[str, float]:
    r"""How well classes can be told apart by a plane: multinomial logistic regression, measured on other rows.

    .. math:: \min_{W, b} \sum_i -\log \mathrm{softmax}(W \tilde x_i + b)_{y_i}
              + \tfrac{\lambda}{2} \lVert W \rVert^2

    with each column of :math:`\tilde x` shifted and scaled to mean 0 and variance 1 over the training rows.

    Args:
        l2_weight: :math:`\lambda`, finite and > 0.
        max_iterations: of L-BFGS, at least 1.

    Returns: accuracy, precision, recall and F1 on the test rows (:func:`classification_figures`).

    Raises: UserError for tables without rows, of other lengths than their labels or not finite, training rows of
        one class, and values out of range; MissingDependencyError without scikit-learn.

    Example:
        >>> rows, label = torch.tensor([[0.0], [1.0], [8.0], [9.0]]), torch.tensor([0, 0, 1, 1])
        >>> linear(rows, label, torch.tensor([[2.0], [7.0]]), torch.tensor([0, 1]))["accuracy"]
        1.0
    """
    check_labelled("linear", "train", train, train_label, num_classes=2)
    check_labelled("linear", "test", test, test_label)
    if not 0 < l2_weight < math.inf:
        raise must_be("linear", "l2_weight", "finite and > 0", l2_weight)
    if max_iterations < 1:
        raise must_be("linear", "max_iterations", "at least 1", max_iterations)
    scale = needed("linear", "sklearn.preprocessing").StandardScaler()
    model = needed("linear", "sklearn.linear_model").LogisticRegression(C=1 / l2_weight, max_iter=max_iterations)
    model.fit(scale.fit_transform(as_array(train)), as_array(train_label))
    predicted = torch.from_numpy(model.predict(scale.transform(as_array(test))))
    return classification_figures(predicted, test_label.cpu())
