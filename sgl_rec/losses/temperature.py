"""A temperature that is learnt (CLIP)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.losses.inputs import check_positive


class LearnedTemperature(nn.Module):
    r"""A temperature whose inverse is learnt as its logarithm.

    .. math:: \tau = e^{-s}, \quad s \le \log(\text{largest scale})

    Logits are then never scaled by more than ``largest_scale``. The bound is kept after each step, and not in
    the value, so that a parameter that has reached it can come back.

    Args:
        start: of the temperature, finite and > 0.
        largest_scale: of 1 / temperature.

    Raises: UserError for a value that is not finite and > 0, or a start beyond the largest scale.

    Example:
        >>> temperature = LearnedTemperature(start=0.5)
        >>> temperature()
        tensor(0.5000, grad_fn=<ExpBackward0>)

    Reference: Radford et al. 2021 (arXiv:2103.00020), section 2.5 and figure 3: start 0.07, clipped at 100.
    """

    def __init__(self, *, start: float = 0.07, largest_scale: float = 100.0) -> None:
        super().__init__()
        for name, value in (("start", start), ("largest_scale", largest_scale)):
            check_positive("LearnedTemperature", name, value)
        if start * largest_scale < 1:
            raise must_be(
                "LearnedTemperature", "start", f"at least 1 / largest_scale = {1 / largest_scale:g}", start
            )
        self.largest = math.log(largest_scale)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(start)))

    def forward(self) -> Float[Tensor, ""]:
        """The temperature, with gradient."""
        return torch.exp(-self.log_scale)

    @torch.no_grad()
    def after_step(self) -> None:
        """Back within the bound, where the optimiser has stepped over it."""
        self.log_scale.clamp_(max=self.largest)
