"""Images turned about their middle."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.extras import needed
from sgl_rec.views.images.draws import check_probability, sometimes, uniform

Padding: TypeAlias = Literal["zeros", "border", "reflection"]


def rotation(
    image: Float[Tensor, "B C H W"],
    *,
    degrees: float = 15.0,
    padding: Padding = "zeros",
    probability: float = 1.0,
    generator: torch.Generator,
) -> Float[Tensor, "B C H W"]:
    r"""Turn each image by an angle of its own.

    .. math:: \alpha \sim U(-\text{degrees}, \text{degrees})

    Args:
        image: (B, C, H, W), any channels.
        degrees: the most it is turned either way, in [0, 180].
        padding: what comes in at the corners: "zeros", the image's nearest pixel ("border"), or its mirror image
            ("reflection").
        probability: that an image is turned at all.

    Raises: UserError for values out of these ranges, MissingDependencyError without kornia.

    Example:
        >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
        >>> turned = rotate(image, torch.tensor([90.0]), padding="zeros")
        >>> turned.round().int().tolist()
        [[[[2, 5, 8], [1, 4, 7], [0, 3, 6]]]]
    """
    if not 0 <= degrees <= 180:
        raise must_be("rotation", "degrees", "in [0, 180]", degrees)
    if padding not in ("zeros", "border", "reflection"):
        raise must_be("rotation", "padding", "'zeros', 'border' or 'reflection'", repr(padding))
    check_probability("rotation", probability)
    angle = uniform(image, low=-degrees, high=degrees, generator=generator)
    turned = rotate(image, angle, padding=padding)
    return sometimes(image, turned, probability=probability, generator=generator)


def rotate(
    image: Float[Tensor, "B C H W"], degrees: Float[Tensor, " B"], *, padding: Padding
) -> Float[Tensor, "B C H W"]:
    """Turn anticlockwise about the middle, linear between pixels."""
    transform = needed("rotation", "kornia.geometry.transform")
    result: Tensor = transform.rotate(image, degrees, padding_mode=padding, align_corners=False)
    return result
