"""Images turned, slanted, stretched and moved at once: another hand has written the same."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.extras import needed
from sgl_rec.views.images.draws import check_probability, check_range, sometimes, uniform


def affine(
    image: Float[Tensor, "B C H W"],
    *,
    degrees: float = 15.0,
    shear: float = 10.0,
    min_scale: float = 0.8,
    max_scale: float = 1.2,
    stretch: float = 1.2,
    shift: float = 0.1,
    probability: float = 1.0,
    generator: torch.Generator,
) -> Float[Tensor, "B C H W"]:
    r"""Move each pixel's place from the image's middle by a linear map of the image's own, black from outside.

    .. math:: A = R(\alpha)
        \begin{pmatrix} 1 & \tan \beta \\ 0 & 1 \end{pmatrix}
        \begin{pmatrix} s \sqrt{r} & 0 \\ 0 & s / \sqrt{r} \end{pmatrix}, \qquad
        \alpha \sim U(\pm \text{degrees}), \; \beta \sim U(\pm \text{shear}), \;
        \log s \sim U(\log s_0, \log s_1), \; \log r \sim U(\pm \log \text{stretch})

    and by U(-shift, shift) of the width and of the height.

    Args:
        image: (B, C, H, W), any channels.
        degrees: the most it is turned either way, in [0, 180].
        shear: the most its uprights lean either way, in degrees, in [0, 80].
        min_scale, max_scale: how many times as large it becomes, in [0.1, 10].
        stretch: the most times wider or higher it becomes against the other, in [1, 10].
        shift: the most it is moved, as a share of a side, in [0, 1].
        probability: that an image is moved at all.

    Raises: UserError for values out of these ranges, MissingDependencyError without kornia.

    Example:
        >>> image = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
        >>> tuple(affine(image, generator=torch.Generator()).shape)
        (4, 1, 28, 28)

    Reference: Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to Visual
    Document Analysis" (ICDAR 2003), section 2, its affine distortions. Differences: theirs are fields of
    displacements; the ranges, the order of the maps and the logarithms that are drawn are ours.
    """
    for name, value, least, most in (
        ("degrees", degrees, 0, 180),
        ("shear", shear, 0, 80),
        ("stretch", stretch, 1, 10),
        ("shift", shift, 0, 1),
    ):
        if not least <= value <= most:
            raise must_be("affine", name, f"in [{least}, {most}]", value)
    check_probability("affine", probability)
    check_range("affine", "scale", min_scale, max_scale, least=0.1, most=10.0)

    def drawn(low: float, high: float) -> Float[Tensor, " B"]:
        return uniform(image, low=low, high=high, generator=generator)

    turned, leaning = drawn(-degrees, degrees).deg2rad(), drawn(-shear, shear).deg2rad().tan()
    scale = drawn(math.log(min_scale), math.log(max_scale)).exp()
    ratio = drawn(-math.log(stretch), math.log(stretch)).exp().sqrt()
    across, down = scale * ratio, scale / ratio
    cos, sin = turned.cos(), turned.sin()
    rows = [cos * across, (cos * leaning - sin) * down, sin * across, (sin * leaning + cos) * down]
    moved = torch.stack([drawn(-shift, shift) * image.shape[3], drawn(-shift, shift) * image.shape[2]], 1)
    view = warp(image, torch.stack(rows, 1).reshape(-1, 2, 2), moved)
    return sometimes(image, view, probability=probability, generator=generator)


def warp(
    image: Float[Tensor, "B C H W"], matrix: Float[Tensor, "B 2 2"], shift: Float[Tensor, "B 2"]
) -> Float[Tensor, "B C H W"]:
    """What stood at p from the middle, (right, down) in pixels, comes to ``matrix`` p + ``shift``.

    Linear between pixels, 0 beyond the outermost.
    """
    height, width = image.shape[-2:]
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2]).to(image)
    place = middle + shift - matrix @ middle
    transform = needed("affine", "kornia.geometry.transform")
    whole = torch.cat([matrix, place[:, :, None]], 2)
    result: Tensor = transform.warp_affine(
        image, whole, (height, width), padding_mode="zeros", align_corners=False
    )
    return result
