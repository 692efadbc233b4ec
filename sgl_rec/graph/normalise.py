"""A pattern of edges -> the normalised adjacency matrix over it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from sgl_rec.types import Adjacency


def normalised(
    row_start: Int32[Tensor, " N1"],
    column: Int32[Tensor, " E2"],
    *,
    exponents: tuple[float, float] = (0.5, 0.5),
    dtype: torch.dtype = torch.float32,
) -> Adjacency:
    r"""Scale a symmetric pattern by powers of its degrees.

    .. math:: A_{rc} = d_r^{-\alpha} d_c^{-\beta}

    Args:
        row_start, column: the CSR of the pattern, each edge in both directions, columns ascending within a row.
        exponents: :math:`(\alpha, \beta)`; (0.5, 0.5) is symmetric, (1, 0) the mean over a row's neighbours.

    Returns: the matrix as two vectors of scales, one tensor where the exponents are equal. A node without edges
        has scale 0 whatever the exponent, so that nothing is ever infinite or NaN.

    Example:
        >>> path = torch.tensor([0, 1, 3, 4, 4]).int(), torch.tensor([1, 0, 2, 1]).int()
        >>> normalised(*path, exponents=(1.0, 0.0)).left.tolist()
        [1.0, 0.5, 1.0, 0.0]

    Reference: He et al., "LightGCN" (SIGIR 2020), eqs. 3 and 6 to 8; other exponents are its table 5.
    """
    degree = row_start.diff()
    left = _scale(degree, exponents[0], dtype)
    right = left if exponents[0] == exponents[1] else _scale(degree, exponents[1], dtype)
    return Adjacency(row_start, column, left, right)


def _scale(degree: Int32[Tensor, " N"], exponent: float, dtype: torch.dtype) -> Float[Tensor, " N"]:
    scale = degree.clamp(min=1).to(torch.float64).pow(-exponent)
    return scale.masked_fill(degree == 0, 0.0).to(dtype)
