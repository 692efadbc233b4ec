"""Classes told by words alone: an image belongs to the class whose prompts are nearest."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.intervals import bootstrap_interval
from sgl_rec.evaluation.probes.figures import classification_figures
from sgl_rec.evaluation.probes.inputs import as_array, check_labelled, check_rows, unit
from sgl_rec.evaluation.probes.knn import knn_labels
from sgl_rec.rng import draw_key


def zero_shot(
    image: Float[Tensor, "B D"],
    label: Int[Tensor, " L"],
    class_embedding: Float[Tensor, "C D"],
    *,
    generator: torch.Generator,
) -> dict[str, float]:
    r"""How often the nearest class by cosine is the right one.

    .. math:: \hat y_b = \arg\max_c \cos(x_b, t_c)

    Args:
        label: 0 .. C - 1, the row of ``class_embedding`` that an image belongs to.
        class_embedding: one row a class, see :func:`class_embeddings`.
        generator: resamples the images for the interval.

    Returns: accuracy, precision, recall and F1 (:func:`classification_figures`); ``low`` and ``high``, the 95 %
        bootstrap interval of the accuracy; and ``majority``, what always naming the most frequent class gets.

    Raises: UserError for tables without rows or not finite, and labels of another number or out of range.

    Example:
        >>> words = class_embeddings(torch.eye(2)[:, None])
        >>> found = zero_shot(torch.tensor([[3.0, 1.0], [1.0, 2.0]]), torch.tensor([0, 1]), words,
        ...                   generator=torch.Generator())
        >>> found["accuracy"], found["low"], found["majority"]
        (1.0, 1.0, 0.5)

    Reference: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (ICML
        2021), section 3.1.2.
    """
    check_labelled("zero_shot", "image", image, label)
    check_rows("zero_shot", "class_embedding", class_embedding)
    number = len(class_embedding)
    if not 0 <= int(label.min()) <= int(label.max()) < number:
        raise must_be("zero_shot", "label", f"in 0 .. {number - 1}", f"{int(label.min())} to {int(label.max())}")
    classes = torch.arange(number, device=image.device)
    nearest = knn_labels(image, class_embedding, classes)  # a class is a gallery row of its own
    label = label.to(nearest.device)
    hits = as_array((nearest == label).double())
    low, high = bootstrap_interval(hits, seed=draw_key(generator))
    majority = float(torch.bincount(label).max()) / len(label)
    return classification_figures(nearest, label) | {"low": low, "high": high, "majority": majority}


def class_embeddings(prompt: Float[Tensor, "C P D"]) -> Float[Tensor, "C D"]:
    r"""The mean direction of the P prompts of each class, at unit length.

    .. math:: t_c = \hat m_c,\quad m_c = \frac1P \sum_p \hat w_{cp}

    Raises: UserError without prompts, and for numbers that are not finite.

    Example:
        >>> class_embeddings(torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]))
        tensor([[0.7071, 0.7071]])

    Reference: Radford et al. (ICML 2021), section 3.1.4, ensembling over the embedding space.
    """
    check_rows("class_embeddings", "prompt", prompt.flatten(0, 1))
    return unit(unit(prompt.flatten(0, 1)).view_as(prompt).mean(dim=1))
