"""Images without their colour."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.extras import needed
from sgl_rec.views.images.draws import GREY, check_channels, check_probability, sometimes


def greyscale(
    image: Float[Tensor, "B C H W"], *, probability: float = 0.2, generator: torch.Generator
) -> Float[Tensor, "B C H W"]:
    r"""Each image alone loses its colour: all three channels become its luma. A grey image stays what it is.

    .. math:: y = 0.299 r + 0.587 g + 0.114 b

    Args:
        image: (B, C, H, W), one channel or three.
        probability: of an image to lose its colour.

    Raises: UserError for a probability that is none or images of another number of channels,
        MissingDependencyError without kornia.

    Example:
        >>> red = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
        >>> greyscale(red, probability=1.0, generator=torch.Generator()).flatten()
        tensor([0.2990, 0.2990, 0.2990])

    Reference: ITU-R BT.601 for the weights; Chen et al., "A Simple Framework for Contrastive Learning of Visual
    Representations" (ICML 2020), appendix A, for the probability.
    """
    check_probability("greyscale", probability)
    check_channels("greyscale", image)
    return sometimes(image, _luma(image), probability=probability, generator=generator)


def _luma(image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    if image.shape[1] == GREY:
        return image
    grey: Tensor = needed("greyscale", "kornia.color").rgb_to_grayscale(image)
    return grey.expand_as(image)
