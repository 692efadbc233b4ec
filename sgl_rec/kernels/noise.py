"""The noise of SimGCL and XSimGCL: one definition for all backends of ``propagate``, drawn by a counter."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.kernels.hash import split_key, uniform_bits
from sgl_rec.types import Noise

RESOLUTION = 2.0**-24


def layer_key(noise: Noise, layer: int) -> int:
    """The key of the draws of one layer, counted from 1 (layer 0 has no noise)."""
    return split_key(noise.key, layer)


def unit_noise(
    key: int, num_rows: int, width: int, *, dtype: torch.dtype, device: torch.device | str = "cpu"
) -> Float[Tensor, "N D"]:
    r"""Rows of length 1 in the positive orthant.

    .. math:: u_{rd} = 2^{-24} \left(\lfloor h(r, d) / 2^8 \rfloor \mathbin{|} 1\right),\quad u_r / |u_r|

    where h is ``uniform_bits(key, r, d)``. The 24 bits are exact in float32; the last of them is set, so that no
    row is zero.

    Args:
        key: of the layer: ``layer_key``.

    Example:
        >>> unit_noise(7, 2, 3, dtype=torch.float32)
        tensor([[0.3917, 0.4565, 0.7989],
                [0.3404, 0.3101, 0.8877]])
    """
    row = torch.arange(num_rows, device=device)[:, None].expand(num_rows, width).contiguous()
    column = torch.arange(width, device=device).expand(num_rows, width).contiguous()
    draws = (uniform_bits(key, row, column) >> 8 | 1).to(dtype) * RESOLUTION
    return torch.nn.functional.normalize(draws, dim=1)
