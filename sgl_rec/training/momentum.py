"""A copy of an encoder that follows it slowly: the target of MoCo and BYOL."""

from __future__ import annotations

import copy
import math
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sgl_rec.errors import must_be


class MomentumEncoder(nn.Module):
    r"""The exponential mean of an encoder's parameters, over the steps of its training.

    .. math:: \xi \leftarrow m_k \xi + (1 - m_k) \theta, \qquad
        m_k = m \quad \text{or} \quad m_k = 1 - (1 - m) \frac{\cos(\pi k / K) + 1}{2}

    after step k, counted from 0. Buffers (the running statistics of a batch norm) are its own: they move as it is
    called in training mode. Its ``state_dict`` has the copy and the number of steps.

    Args:
        encoder: what is copied, and followed; it is not part of this Module.
        momentum: m, in [0, 1].
        schedule: ``constant``, or ``cosine`` from m up to 1.
        num_steps: K of ``cosine``; after as many steps the copy stands still.

    Raises: UserError for a momentum out of range, an unknown schedule, or a cosine without its steps.

    Example:
        >>> encoder = nn.Linear(1, 1, bias=False)
        >>> target = MomentumEncoder(encoder, momentum=0.75)
        >>> with torch.no_grad():
        ...     _ = encoder.weight.fill_(target.encoder.weight.item() + 4.0)
        >>> before = target.encoder.weight.item()
        >>> target.follow(encoder)
        >>> round(target.encoder.weight.item() - before, 4)
        1.0

    Reference: He et al., "Momentum Contrast for Unsupervised Visual Representation Learning" (CVPR 2020), eq. 2;
    Grill et al., "Bootstrap Your Own Latent" (NeurIPS 2020), eq. 1 and section 3.3 for the cosine.
    """

    step: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        *,
        momentum: float = 0.99,
        schedule: Literal["constant", "cosine"] = "constant",
        num_steps: int | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= momentum <= 1:
            raise must_be("MomentumEncoder", "momentum", "in [0, 1]", momentum)
        if schedule not in ("constant", "cosine"):
            raise must_be("MomentumEncoder", "schedule", "'constant' or 'cosine'", repr(schedule))
        if schedule == "cosine" and (num_steps is None or num_steps < 1):
            raise must_be("MomentumEncoder", "num_steps", "at least 1 for a cosine", num_steps)
        self.base, self.num_steps = momentum, num_steps if schedule == "cosine" else None
        self.encoder = copy.deepcopy(encoder).requires_grad_(False)
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))

    @property
    def momentum(self) -> float:
        """m of the next step."""
        if self.num_steps is None:
            return self.base
        done = min(int(self.step) / self.num_steps, 1.0)
        return 1 - (1 - self.base) * (math.cos(math.pi * done) + 1) / 2

    def forward(self, *inputs: Any) -> Any:
        """What the copy makes of them, without gradients."""
        with torch.no_grad():
            return self.encoder(*inputs)

    @torch.no_grad()
    def follow(self, encoder: nn.Module) -> None:
        """One step towards ``encoder``, after the optimiser's. Raises: UserError for one of other parameters."""
        own: list[Tensor] = list(self.encoder.parameters())
        other: list[Tensor] = list(encoder.parameters())
        if [one.shape for one in own] != [one.shape for one in other]:
            raise must_be("MomentumEncoder", "encoder", "the one that was copied", "one of other parameters")
        if own:
            moved = [one.to(two) for one, two in zip(other, own, strict=True)]
            torch._foreach_lerp_(own, moved, 1 - self.momentum)
        self.step += 1
