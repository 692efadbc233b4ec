"""Dimensions that agree between views and say each something of its own."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.losses.inputs import check_pair, whole

VARIANCE_FLOOR = 1e-5
"""Added to each variance, as batch normalisation does: a dimension that is constant stays 0."""


def barlow_twins(
    first: Float[Tensor, "B D"], second: Float[Tensor, "B D"], *, off_diagonal_weight: float = 5e-3
) -> Float[Tensor, ""]:
    r"""The correlations of the views' dimensions, drawn to 1 for the same dimension and to 0 for two.

    .. math:: \sum_i (1 - c_{ii})^2 + \lambda \sum_{i \ne j} c_{ij}^2,
        \quad c_{ij} = \frac1B \sum_b \tilde x_{bi} \tilde y_{bj}

    with :math:`\tilde x, \tilde y` the views standardised over the batch, dimension by dimension. Memory is
    B x D and D x D.

    Args:
        first, second: row b of one belongs to row b of the other. The batch is the sample: hundreds are usual.
        off_diagonal_weight: lambda, finite and >= 0.

    Returns: a scalar, for the batch as a whole: 0 to D (4 + lambda (D - 1)); D for a batch of equal rows, or of
        one, whose dimensions do not vary.

    Raises: UserError for inputs of two shapes, or a weight out of range.

    Example:
        >>> rows = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> round(barlow_twins(rows, rows).item(), 6)  # two dimensions that have nothing in common
        0.0
        >>> barlow_twins(rows, torch.ones(4, 2))
        tensor(2.)

    Reference: Zbontar et al. 2021, "Barlow Twins: Self-Supervised Learning via Redundancy Reduction"
        (arXiv:2103.03230), eqs. 1 and 2. Different: 1e-5 is added to the variances, as in its code.
    """
    check_pair("barlow_twins", ("first", first), ("second", second))
    check_off_diagonal_weight(off_diagonal_weight)
    with torch.autocast(first.device.type, enabled=False):
        correlation = _standardised(first).T @ _standardised(second) / len(first)
    own = correlation.diagonal()
    others = correlation - torch.diag(own)
    return (1 - own).square().sum() + off_diagonal_weight * others.square().sum()


def check_off_diagonal_weight(value: float) -> None:
    """Raises: UserError for a weight that is negative or not finite."""
    if not 0 <= value < math.inf:
        raise must_be("barlow_twins", "off_diagonal_weight", "finite and >= 0", value, "0.005 is usual")


def _standardised(rows: Tensor) -> Tensor:
    """Each dimension with mean 0 and variance 1 over the batch."""
    centred = whole(rows)
    centred = centred - centred.mean(0)
    return centred * (centred.square().mean(0) + VARIANCE_FLOOR).rsqrt()
