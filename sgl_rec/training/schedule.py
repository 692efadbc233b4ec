"""A learning rate that changes from step to step, for trainings whose end is known when they begin."""

from __future__ import annotations

import math
from collections.abc import Callable


def cosine(learning_rate: float, *, num_steps: int, num_warmup_steps: int = 0) -> Callable[[int], float]:
    r"""Up on a line, then down on half a cosine.

    .. math:: \lambda_s = \lambda \frac{s + 1}{W + 1} \ (s < W), \quad
        \lambda_s = \frac{\lambda}{2} \left(1 + \cos \pi \frac{s - W}{S - W}\right) \ (W \le s < S)

    Args:
        learning_rate: :math:`\lambda`, the highest.
        num_steps: S, of the whole training, at least 1.
        num_warmup_steps: W, below S.

    Returns: (step, counted from 0) -> the learning rate of that step.

    Example:
        >>> rate = cosine(0.1, num_steps=5, num_warmup_steps=1)
        >>> [round(rate(step), 3) for step in range(5)]
        [0.05, 0.1, 0.085, 0.05, 0.015]

    Reference: Loshchilov and Hutter, "SGDR" (arXiv:1608.03983), equation 5, without restarts.
    """

    def rate(step: int) -> float:
        if step < num_warmup_steps:
            return learning_rate * (step + 1) / (num_warmup_steps + 1)
        done = (step - num_warmup_steps) / (num_steps - num_warmup_steps)
        return learning_rate * (1 + math.cos(math.pi * done)) / 2

    return rate
