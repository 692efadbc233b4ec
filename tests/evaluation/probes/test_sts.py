from __future__ import annotations

import pytest
import scipy.stats
import torch

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes import sts as module
from sgl_rec.evaluation.probes.sts import cosines, spearman, spearman_difference, sts
from tests.reference import probes as reference


def column(number: int, seed: int) -> torch.Tensor:
    return torch.randn(number, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("digits", [0, 1, 8])
def test_equals_the_loops_and_scipy(digits: int) -> None:
    one, other = column(60, 0).round(decimals=digits), (column(60, 0) + column(60, 1)).round(decimals=digits)
    assert spearman(one, other) == pytest.approx(reference.spearman(one.tolist(), other.tolist()), abs=1e-12)
    assert spearman(one, other) == pytest.approx(scipy.stats.spearmanr(one, other).statistic, abs=1e-12)


def test_only_the_order_counts() -> None:
    values, score = column(50, 0), column(50, 1)
    assert spearman(values.exp(), score) == spearman(values, score)
    assert spearman(values, values**3) == 1.0
    assert spearman(values, -values) == -1.0
    assert spearman(torch.ones(50), score) == 0.0  # a collapsed encoder


def test_cosines_of_pairs() -> None:
    first, second = (
        torch.tensor([[1.0, 0.0], [2.0, 2.0], [0.0, 0.0]]),
        torch.tensor([[0.0, 3.0], [1.0, 1.0], [1.0, 0.0]]),
    )
    torch.testing.assert_close(cosines(first, second), torch.tensor([0.0, 1.0, 0.0]))
    assert sts(first, second, torch.tensor([1.0, 5.0, 1.0])) == {"spearman": pytest.approx(1.0)}


def test_the_interval_is_that_of_loops_over_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    score = column(200, 0)
    good, bad = score + 0.5 * column(200, 1), score + 2 * column(200, 2)
    found = spearman_difference(good, bad, score, generator=torch.Generator().manual_seed(3))
    assert found["difference"] == pytest.approx(spearman(good, score) - spearman(bad, score))
    assert 0 < found["low"] < found["difference"] < found["high"]
    draws = torch.Generator().manual_seed(9)
    differences = []
    for _ in range(200):
        pick = torch.randint(200, (200,), generator=draws)
        differences.append(spearman(good[pick], score[pick]) - spearman(bad[pick], score[pick]))
    low, high = torch.tensor(differences).quantile(torch.tensor([0.025, 0.975])).tolist()
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=0.04), pytest.approx(high, abs=0.04))
    monkeypatch.setattr(module, "_BLOCK", 200 * 7)  # the same draws in blocks
    assert spearman_difference(good, bad, score, generator=torch.Generator().manual_seed(3)) == found


def test_no_difference() -> None:
    score, values = column(30, 0), column(30, 1)
    found = spearman_difference(values, values, score, generator=torch.Generator())
    assert set(found.values()) == {0.0}


def test_refuses() -> None:
    score = column(5, 0)
    with pytest.raises(UserError, match="spearman: similarities must be 5, one a score, got 4"):
        spearman(score[:4], score)
    with pytest.raises(UserError, match="spearman: pairs must be at least two, got 1"):
        spearman(score[:1], score[:1])
    with pytest.raises(UserError, match="spearman: scores must be finite"):
        spearman(score, score * torch.nan)
    with pytest.raises(UserError, match="num_resamples must be at least 1, got 0"):
        spearman_difference(score, score, score, num_resamples=0, generator=torch.Generator())
    with pytest.raises(UserError, match="cosines: second must be of 3 rows, as the first, got 2"):
        cosines(torch.eye(3), torch.eye(3)[:2])
