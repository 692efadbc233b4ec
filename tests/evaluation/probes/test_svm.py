"""The cross-validated support vector machine, against a loop over folds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.svm import svm
from sgl_rec.rng import draw_key


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(number: int = 60, *, spread: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = generator(5)
    label = torch.arange(number) % 2
    rows = torch.randn(number, 4, generator=draw) * spread
    rows[:, 0] += 2.0 * label
    return rows, label


def test_equals_loops_over_folds_and_prices() -> None:
    rows, label = made()
    found = svm(rows, label, num_folds=3, num_inner_folds=2, prices=(10.0, 0.1, 1.0), generator=generator(1))
    x, y = rows.double().numpy(), label.numpy()
    outer = StratifiedKFold(3, shuffle=True, random_state=draw_key(generator(1)) % 2**32)
    shares = []
    for train, test in outer.split(x, y):
        best = (-1.0, 0.0)
        for price in (0.1, 1.0, 10.0):
            inner = []
            for fit, held in StratifiedKFold(2).split(x[train], y[train]):
                model = SVC(C=price, gamma=1 / (4 * x[train][fit].var())).fit(x[train][fit], y[train][fit])
                inner.append(np.mean(model.predict(x[train][held]) == y[train][held]))
            if np.mean(inner) > best[0]:
                best = (float(np.mean(inner)), price)
        model = SVC(C=best[1], gamma=1 / (4 * x[train].var())).fit(x[train], y[train])
        shares.append(np.mean(model.predict(x[test]) == y[test]))
    assert found == pytest.approx({"accuracy": np.mean(shares), "std": np.std(shares)})


def test_apart_is_perfect_noise_is_chance_and_the_seed_decides() -> None:
    rows, label = made()
    few = {"num_folds": 4, "num_inner_folds": 2, "prices": (0.1, 10.0)}
    assert svm(rows + 20 * label[:, None], label, **few, generator=generator())["accuracy"] == 1.0
    noise = torch.randn(60, 4, generator=generator(2))
    assert svm(noise, label, **few, generator=generator())["accuracy"] == pytest.approx(0.5, abs=0.2)
    assert svm(rows, label, **few, generator=generator(3)) == svm(rows, label, **few, generator=generator(3))
    assert svm(rows, label, **few, generator=generator(3)) != svm(rows, label, **few, generator=generator(4))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_folds": 1}, "num_folds must be at least 2, got 1"),
        ({"num_inner_folds": 0}, "num_inner_folds must be at least 2, got 0"),
        ({"num_folds": 31}, "num_folds must be at most 30, the rows of the smallest class, got 31"),
        ({"prices": ()}, r"prices must be finite and > 0, at least one, got \[\]"),
        ({"prices": (1.0, 0.0)}, "prices must be finite and > 0"),
    ],
)
def test_refuses(change: dict[str, object], message: str) -> None:
    rows, label = made()
    with pytest.raises(UserError, match=f"svm: {message}"):
        svm(rows, label, **change, generator=generator())


def test_one_class() -> None:
    with pytest.raises(UserError, match="svm: classes of embedding must be at least 2, got 1"):
        svm(torch.ones(20, 2), torch.zeros(20, dtype=torch.int64), generator=generator())


def test_inner_folds_that_the_outer_ones_leave_no_rows_for() -> None:
    rows, label = torch.randn(16, 2, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 2
    with pytest.raises(
        UserError, match="num_inner_folds must be at most 4, the rows of the smallest class, got 5"
    ):
        svm(rows, label, num_folds=2, generator=torch.Generator())
