"""The bootstrap interval of a mean over users."""

from __future__ import annotations

import numpy as np
import pytest

from sgl_rec.errors import UserError
from sgl_rec.evaluation.intervals import bootstrap_interval


def test_width_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(0).normal(3.0, 2.0, size=2000)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_same_seed_same_interval() -> None:
    values = np.arange(50.0)
    assert bootstrap_interval(values, seed=4) == bootstrap_interval(values, seed=4)
    assert bootstrap_interval(values, seed=4) != bootstrap_interval(values, seed=5)


def test_one_user_has_no_width() -> None:
    assert bootstrap_interval(np.array([0.25])) == (0.25, 0.25)


@pytest.mark.parametrize(("values", "num_resamples"), [([], 10), ([1.0], 0)])
def test_nothing_to_resample_is_refused(values: list[float], num_resamples: int) -> None:
    with pytest.raises(UserError, match="bootstrap_interval"):
        bootstrap_interval(np.array(values), num_resamples=num_resamples)
