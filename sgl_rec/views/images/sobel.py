"""The edges in images."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.extras import needed
from sgl_rec.views.images.draws import check_probability, sometimes

TINY = 1e-12
"""Added under the root: its gradient at 0 is 0, and an even area reads 1e-6."""


def sobel(
    image: Float[Tensor, "B C H W"], *, probability: float = 0.5, generator: torch.Generator
) -> Float[Tensor, "B C H W"]:
    r"""Each image alone becomes the length of its gradient, channel by channel.

    .. math:: y = \sqrt{(x * k)^2 + (x * k^T)^2}, \quad
        k = \tfrac18 \begin{pmatrix} -1 & 0 & 1 \\ -2 & 0 & 2 \\ -1 & 0 & 1 \end{pmatrix}

    Args:
        image: (B, C, H, W), any channels; beyond its edge the outermost pixels go on. In [0, 1] it stays there.
        probability: of an image to become its edges.

    Raises: UserError for a probability that is none, MissingDependencyError without kornia.

    Example:
        >>> ramp = torch.arange(5.0).expand(1, 1, 5, 5) / 10
        >>> sobel(ramp, probability=1.0, generator=torch.Generator())[0, 0, 2]
        tensor([0.0500, 0.1000, 0.1000, 0.1000, 0.0500])

    Reference: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations" (ICML 2020),
    section 3. Difference: it is drawn for each image.
    """
    check_probability("sobel", probability)
    edges: Tensor = needed("sobel", "kornia.filters").sobel(image, normalized=True, eps=TINY)
    return sometimes(image, edges, probability=probability, generator=generator)
