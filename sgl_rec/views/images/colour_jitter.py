"""Images in another light."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.extras import needed
from sgl_rec.views.images.draws import GREY, check_channels, check_probability, sometimes, uniform

Change: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def colour_jitter(
    image: Float[Tensor, "B C H W"],
    *,
    brightness: float = 0.4,
    contrast: float = 0.4,
    saturation: float = 0.4,
    hue: float = 0.1,
    probability: float = 0.8,
    generator: torch.Generator,
) -> Float[Tensor, "B C H W"]:
    r"""Change brightness, contrast, saturation and hue of each image, in an order drawn for the batch.

    .. math:: x \leftarrow [f x], \quad x \leftarrow [f x + (1 - f) \bar{x}], \quad
        x \leftarrow [f x + (1 - f) \text{luma}(x)], \quad \text{hue}(x) \leftarrow \text{hue}(x) + s

    with [.] cut to [0, 1], the mean of the luma over the image, a factor f ~ U(max(0, 1 - a), 1 + a) for each of
    the first three and a shift s ~ U(-hue, hue) of the circle.

    Args:
        image: (B, C, H, W) in [0, 1], one channel or three. Saturation and hue leave a grey image as it is.
        brightness, contrast, saturation: a above, finite and at least 0; at 0 it is left out.
        hue: share of the circle, in [0, .5].
        probability: that an image is changed at all.

    Raises: UserError for values out of these ranges or images of another number of channels,
        MissingDependencyError without kornia.

    Example:
        >>> image = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> jittered = colour_jitter(image, generator=torch.Generator())
        >>> bool((jittered >= 0).all() and (jittered <= 1).all())
        True

    Reference: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (ICML 2020),
    appendix A, of strength .5. Difference: the order is drawn once for a batch.
    """
    for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)):
        if not 0 <= value < math.inf:
            raise must_be("colour_jitter", name, "finite and at least 0", value)
    if not 0 <= hue <= 0.5:
        raise must_be("colour_jitter", "hue", "in [0, .5]", hue)
    check_probability("colour_jitter", probability)
    check_channels("colour_jitter", image)
    factors = [
        uniform(image, low=max(0.0, 1 - most), high=1 + most, generator=generator)
        for most in (brightness, contrast, saturation)
    ]
    shift = uniform(image, low=-hue, high=hue, generator=generator)
    changes: list[tuple[Change, Tensor, float]] = [
        (brighten, factors[0], brightness),
        (stretch, factors[1], contrast),
    ]
    if image.shape[1] != GREY:
        changes += [(saturate, factors[2], saturation), (turn_hue, shift, hue)]
    result = image
    for index in torch.randperm(4, generator=generator, device=generator.device).tolist():
        if index < len(changes) and changes[index][2] > 0:
            result = changes[index][0](result, changes[index][1])
    return sometimes(image, result, probability=probability, generator=generator)


def brighten(image: Float[Tensor, "B C H W"], factor: Float[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
    """Every value by the image's factor, cut to [0, 1]."""
    return (image * factor[:, None, None, None]).clamp(0, 1)


def stretch(image: Float[Tensor, "B C H W"], factor: Float[Tensor, " B"]) -> Float[Tensor, "B C H W"]:
    """Every value's distance from the mean luma by the image's factor, cut to [0, 1]."""
    return _enhance("adjust_contrast_with_mean_subtraction")(image, factor)


def saturate(image: Float[Tensor, "B 3 H W"], factor: Float[Tensor, " B"]) -> Float[Tensor, "B 3 H W"]:
    """Every colour's distance from its luma by the image's factor, cut to [0, 1]."""
    return _enhance("adjust_saturation_with_gray_subtraction")(image, factor)


def turn_hue(image: Float[Tensor, "B 3 H W"], shift: Float[Tensor, " B"]) -> Float[Tensor, "B 3 H W"]:
    """Every hue by the image's share of the circle."""
    return _enhance("adjust_hue")(image, shift * (2 * math.pi))


def _enhance(name: str) -> Change:
    found: Change = getattr(needed("colour_jitter", "kornia.enhance"), name)
    return found
