"""GraphCL's attribute masking."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.selecting import check_batch, chosen, fresh
from sgl_rec.views.thinning import check_rate


def mask_attributes(
    batch: Any, *, mask_rate: float = 0.2, mean: float = 0.5, std: float = 0.5, generator: torch.Generator
) -> Any:
    r"""Put normal noise in the place of the features of a share of every graph's nodes.

    .. math:: x'_v = \mu + \sigma z_v \text{ for } \lfloor \rho |\mathcal V| \rfloor \text{ nodes of each graph},
              \quad z_v \sim \mathcal N(0, I)

    Args:
        batch: a ``torch_geometric.data.Batch`` with float features ``x``.
        mask_rate: :math:`\rho` in [0, 1).
        mean, std: :math:`\mu`, finite, and :math:`\sigma`, finite and at least 0, which makes a constant token.

    Returns: a batch of its own with the same graphs.

    Raises: UserError for values out of these ranges, and for a batch without float features.

    Example:
        >>> from torch_geometric.data import Batch, Data
        >>> pair = Data(x=torch.eye(2), edge_index=torch.tensor([[0, 1], [1, 0]]))
        >>> batch = Batch.from_data_list([pair])
        >>> view = mask_attributes(batch, mask_rate=0.5, mean=7.0, std=0.0, generator=torch.Generator())
        >>> int((view.x == 7).all(dim=1).sum())
        1

    Reference: You et al. (NeurIPS 2020), table 1, attribute masking; mean and deviation are those of its code.
    """
    check_rate("mask_attributes", "mask_rate", mask_rate)
    if not math.isfinite(mean):
        raise must_be("mask_attributes", "mean", "finite", mean)
    if not 0 <= std < math.inf:
        raise must_be("mask_attributes", "std", "finite and at least 0", std)
    check_batch("mask_attributes", batch)
    x = batch.x
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else x
        raise must_be("mask_attributes", "x of the batch", "float features", got, "give every node features")
    key = draw_key(generator)
    masked = chosen(batch.batch, num_groups=batch.num_graphs, share=mask_rate, key=key).nonzero().squeeze(1)
    shape = (len(masked), *x.shape[1:])
    noise = torch.randn(shape, generator=generator, device=generator.device, dtype=x.dtype)
    view = fresh(batch)
    view.x = x.index_copy(0, masked, (mean + std * noise).to(x.device))
    return view
