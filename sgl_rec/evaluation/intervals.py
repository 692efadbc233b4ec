"""How far a mean over users may be off."""

from __future__ import annotations

import numpy as np

from sgl_rec.errors import must_be
from sgl_rec.rng import numpy_stream


def bootstrap_interval(values: np.ndarray, *, seed: int = 0, num_resamples: int = 1000) -> tuple[float, float]:
    """The 95 % interval of the mean over users: percentiles 2.5 and 97.5 of the means of resampled users.

    Args:
        values: one value per user, at least one.

    Raises: UserError without values or resamples.

    Example:
        >>> bootstrap_interval(np.array([0.5, 0.5]))
        (0.5, 0.5)

    Reference: Efron 1979, the percentile bootstrap.
    """
    if len(values) == 0:
        raise must_be("bootstrap_interval", "values", "at least one value", "none")
    if num_resamples < 1:
        raise must_be("bootstrap_interval", "num_resamples", "at least 1", num_resamples)
    generator = numpy_stream(seed, "bootstrap")
    size = len(values)
    means = [values[generator.integers(size, size=size)].mean() for _ in range(num_resamples)]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
