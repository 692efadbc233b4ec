"""Images out of focus."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.extras import needed
from sgl_rec.views.images.draws import check_probability, check_range, sometimes, uniform

REACH = 3.0
"""Standard deviations after which a Gaussian is cut off: 1/90 of its height."""


def blur(
    image: Float[Tensor, "B C H W"],
    *,
    min_sigma: float = 0.1,
    max_sigma: float = 2.0,
    probability: float = 0.5,
    generator: torch.Generator,
) -> Float[Tensor, "B C H W"]:
    r"""A Gaussian mean over the neighbours of each pixel, as wide as each image draws.

    .. math:: y = x * g_\sigma, \quad g_\sigma(d) \propto e^{-d^2 / 2 \sigma^2}, \quad
        \sigma \sim U(\sigma_0, \sigma_1)

    Args:
        image: (B, C, H, W), any channels. Beyond its edge it is mirrored.
        min_sigma, max_sigma: standard deviation in pixels, at least .01. For 28 x 28 pixels 1 is much.
        probability: that an image is blurred at all.

    Raises: UserError for values out of these ranges, MissingDependencyError without kornia.

    Example:
        >>> image = torch.zeros(1, 1, 9, 9)
        >>> image[0, 0, 4, 4] = 1.0
        >>> blurred = blur(image, min_sigma=0.5, max_sigma=0.5, probability=1.0, generator=torch.Generator())
        >>> blurred[0, 0, 4, 3:6]
        tensor([0.0837, 0.6187, 0.0837])

    Reference: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (ICML 2020),
    appendix A. Difference: the kernel reaches 3 max_sigma pixels, where theirs is a tenth of the image wide.
    """
    check_range("blur", "sigma", min_sigma, max_sigma, least=0.01)
    check_probability("blur", probability)
    sigma = uniform(image, low=min_sigma, high=max_sigma, generator=generator)
    return sometimes(image, _gaussian(image, sigma, most=max_sigma), probability=probability, generator=generator)


def _gaussian(
    image: Float[Tensor, "B C H W"], sigma: Float[Tensor, " B"], *, most: float
) -> Float[Tensor, "B C H W"]:
    # A mirror has no more to show than the image, so the kernel of a small one is cut.
    reach = [min(math.ceil(REACH * most), side - 1) for side in image.shape[-2:]]
    filters = needed("blur", "kornia.filters")
    both = sigma[:, None].expand(-1, 2)
    blurred: Tensor = filters.gaussian_blur2d(image, (2 * reach[0] + 1, 2 * reach[1] + 1), both)
    return blurred
