"""Images turned over."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.views.images.draws import check_probability, sometimes


def flip(
    image: Float[Tensor, "B C H W"], *, horizontal: float = 0.5, vertical: float = 0.0, generator: torch.Generator
) -> Float[Tensor, "B C H W"]:
    """Exchange left and right, and above and below, of each image alone.

    Args:
        image: (B, C, H, W), any channels.
        horizontal: probability that left and right are exchanged.
        vertical: probability that above and below are.

    Raises: UserError for a probability that is none.

    Example:
        >>> image = torch.arange(4.0).reshape(1, 1, 2, 2)
        >>> flip(image, horizontal=1.0, generator=torch.Generator()).tolist()
        [[[[1.0, 0.0], [3.0, 2.0]]]]
    """
    check_probability("flip", horizontal, name="horizontal")
    check_probability("flip", vertical, name="vertical")
    image = sometimes(image, image.flip(3), probability=horizontal, generator=generator)
    return sometimes(image, image.flip(2), probability=vertical, generator=generator)
