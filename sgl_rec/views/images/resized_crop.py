"""A part of each image, brought back to the full size."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.extras import needed
from sgl_rec.views.images.draws import check_range, uniform


def resized_crop(
    image: Float[Tensor, "B C H W"],
    *,
    min_scale: float = 0.2,
    max_scale: float = 1.0,
    min_ratio: float = 3 / 4,
    max_ratio: float = 4 / 3,
    size: int | None = None,
    generator: torch.Generator,
) -> Float[Tensor, "B C h w"]:
    r"""Cut a box out of each image and stretch it.

    .. math:: w = \min(W, \sqrt{s r H W}), \quad h = \min(H, \sqrt{s H W / r}), \quad
        s \sim U(s_0, s_1), \quad \log r \sim U(\log r_0, \log r_1)

    and a place uniform over those where the box lies within the image.

    Args:
        image: (B, C, H, W), any channels.
        min_scale, max_scale: the share of the area that is cut out, in (0, 1].
        min_ratio, max_ratio: width over height of the box, > 0.
        size: pixels of a side of what comes out; by default H x W as before.

    Raises: UserError for values out of these ranges, MissingDependencyError without kornia.

    Example:
        >>> image = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        >>> tuple(resized_crop(image, size=14, generator=torch.Generator()).shape)
        (4, 1, 14, 14)

    Reference: Szegedy et al., "Going Deeper with Convolutions" (CVPR 2015), section 6; in contrast, Chen et al.,
    "A Simple Framework for Contrastive Learning of Visual Representations" (ICML 2020), appendix A (its scale
    begins at .08). Differences: a box too wide or too high is cut to the image where others draw again; its
    corners are real numbers; nothing is smoothed before it is made smaller.
    """
    check_range("resized_crop", "scale", min_scale, max_scale, least=1e-4, most=1.0)
    check_range("resized_crop", "ratio", min_ratio, max_ratio, least=1e-2, most=1e2)
    if size is not None and size < 1:
        raise must_be("resized_crop", "size", "at least 1", size)
    height, width = image.shape[-2:]
    area = uniform(image, low=min_scale, high=max_scale, generator=generator) * (height * width)
    log_ratio = (math.log(min_ratio), math.log(max_ratio))
    ratio = uniform(image, low=log_ratio[0], high=log_ratio[1], generator=generator).exp()
    box_width = (area * ratio).sqrt().clamp(max=width)
    box_height = (area / ratio).sqrt().clamp(max=height)
    left = uniform(image, low=0.0, high=1.0, generator=generator) * (width - box_width)
    top = uniform(image, low=0.0, high=1.0, generator=generator) * (height - box_height)
    shape = (height, width) if size is None else (size, size)
    return crop(image, torch.stack([left, top, box_width, box_height], 1), shape=shape)


def crop(
    image: Float[Tensor, "B C H W"], box: Float[Tensor, "B 4"], *, shape: tuple[int, int]
) -> Float[Tensor, "B C h w"]:
    r"""The boxes (left, top, width, height, in pixels from the image's edge), each brought to (height, width).

    .. math:: y_{ij} = x(\text{top} + (i + \tfrac12) \tfrac{h}{h'} - \tfrac12, \;
        \text{left} + (j + \tfrac12) \tfrac{w}{w'} - \tfrac12)

    with x between pixels linear in both directions, and beyond the outermost ones constant.
    """
    left, top, width, height = box.unbind(1)
    across, down = shape[1] / width, shape[0] / height
    nothing = torch.zeros_like(left)
    # From a pixel's place in the image to its place in the box: a pixel's number is half a pixel from its edge.
    rows = [across, nothing, (0.5 - left) * across - 0.5, nothing, down, (0.5 - top) * down - 0.5]
    matrix = torch.stack(rows, 1).reshape(-1, 2, 3)
    transform = needed("resized_crop", "kornia.geometry.transform")
    result: Tensor = transform.warp_affine(image, matrix, shape, padding_mode="border", align_corners=False)
    return result
