"""Penalties on the parameters themselves."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be


def l2(*rows: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
    r"""Half the sum of the squared norms of the rows that belong together.

    .. math:: \ell_b = \tfrac12 \sum_k \lVert x_{k,b} \rVert^2

    Args:
        rows: one matrix or more of B rows: a triple's user, positive and negative.

    Returns: the penalty of each of the B rows; the caller reduces.

    Raises: UserError without any rows.

    Example:
        >>> l2(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 1.0]]))  # (25 + 2) / 2
        tensor([13.5000])

    Reference: LightGCN's code (He et al. 2020, arXiv:2002.02126, eq. 15): on layer-0 rows of the batch, halved.
        The equation itself has neither the half nor the batch: there the whole table counts.
    """
    if not rows:
        raise must_be("l2", "rows", "one matrix or more", "none")
    return 0.5 * torch.stack([part.square().sum(1) for part in rows]).sum(0)
