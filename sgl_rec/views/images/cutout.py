"""Images with a piece missing."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.views.images.draws import check_probability, sometimes, uniform


def cutout(
    image: Float[Tensor, "B C H W"],
    *,
    side: float = 0.5,
    fill: float = 0.0,
    probability: float = 0.5,
    generator: torch.Generator,
) -> Float[Tensor, "B C H W"]:
    """Cover a square of each image; its middle is anywhere in the image, so it may reach over the edge.

    Args:
        image: (B, C, H, W), any channels.
        side: of the square, as a share of the image's shorter side, in [0, 1].
        fill: what covers it, in [0, 1].
        probability: that an image is covered at all.

    Raises: UserError for values out of these ranges.

    Example:
        >>> covered = cutout(torch.ones(1, 1, 8, 8), side=0.25, probability=1.0, generator=torch.Generator())
        >>> int(64 - covered.sum())  # two by two pixels
        4

    Reference: DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout" 2017
    (arXiv:1708.04552). Difference: the side is a share, and the middle a real number.
    """
    if not 0 <= side <= 1:
        raise must_be("cutout", "side", "in [0, 1]", side)
    if not 0 <= fill <= 1:
        raise must_be("cutout", "fill", "in [0, 1]", fill)
    check_probability("cutout", probability)
    height, width = image.shape[-2:]
    half = side * min(height, width) / 2
    covered = _near(image, height, half, generator=generator)[:, :, None]
    covered = covered & _near(image, width, half, generator=generator)[:, None, :]
    result = image.masked_fill(covered[:, None], fill)
    return sometimes(image, result, probability=probability, generator=generator)


def _near(image: Tensor, length: int, half: float, *, generator: torch.Generator) -> Tensor:
    """(B, length): which pixels of a side have their middle nearer than ``half`` to a drawn place."""
    middle = uniform(image, low=0.0, high=float(length), generator=generator)
    place = torch.arange(length, device=image.device).to(image) + 0.5
    return (place - middle[:, None]).abs() < half
