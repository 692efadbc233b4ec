"""The spectral filters against the loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sgl_rec.baselines import spectral
from sgl_rec.baselines.spectral import Spectrum, cheby_cf, gf_cf, interpolated, plateau
from sgl_rec.errors import UserError
from sgl_rec.types import Interactions
from tests.reference import baselines as loops
from tests.reference.baselines import lagrange


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("rank", [0, 1, 3, 50])
@pytest.mark.parametrize("ideal_weight", [0.0, 0.3])
def test_gf_cf_as_the_loops(rank: int, ideal_weight: float, pairs: Interactions, touched: list[set[int]]) -> None:
    scorer = gf_cf(pairs, rank=rank, ideal_weight=ideal_weight, generator=generator())
    expected = loops.gf_cf(touched, pairs.num_items, rank=rank, ideal_weight=ideal_weight)
    np.testing.assert_allclose(scorer.scores(torch.arange(pairs.num_users)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("order", "flatness"), [(1, 1.0), (2, 10.0), (8, 1.5)])
@pytest.mark.parametrize(("rank", "degree_power"), [(0, 0.0), (2, 0.4), (50, 0.5)])
def test_cheby_cf_as_the_loops(
    order: int, flatness: float, rank: int, degree_power: float, pairs: Interactions, touched: list[set[int]]
) -> None:
    scorer = cheby_cf(
        pairs, order=order, flatness=flatness, rank=rank, degree_power=degree_power, generator=generator()
    )
    expected = loops.cheby_cf(
        touched,
        pairs.num_items,
        order=order,
        flatness=flatness,
        rank=rank,
        ideal_weight=0.2,
        degree_power=degree_power,
    )
    scores = scorer.scores(torch.arange(pairs.num_users))
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=2e-6)


def test_the_coefficients_interpolate() -> None:
    coefficients = interpolated(order=6, flatness=2.0)
    nodes = np.cos(np.pi * (np.arange(7) + 0.5) / 7)
    wanted = [plateau(float(x), flatness=2.0) for x in np.cos(np.pi * np.arange(7) / 6)]
    for x in np.linspace(-1, 1, 9):
        value = np.polynomial.chebyshev.chebval(x, coefficients)
        assert value == pytest.approx(lagrange(nodes.tolist(), wanted, float(x)))


def test_the_plateau_falls_from_one_to_zero() -> None:
    values = [plateau(x, flatness=1.5) for x in np.linspace(-1, 1, 21).tolist()]
    assert values == sorted(values, reverse=True)
    assert (values[0], values[-1]) == (1.0, 0.0)
    assert values[10] == pytest.approx(0.5)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("rank", [5, 40])
def test_the_basis_is_that_of_the_singular_vectors(wide: bool, rank: int) -> None:
    """Searched for (rank 5 of 60) or computed (rank 40), of a wide or a tall matrix: the same projection."""
    keys = np.unique(np.random.default_rng(1).integers(0, 60 * 80, 900))
    user, item = keys // 80, keys % 80
    pairs = Interactions(user, item, 60, 80) if wide else Interactions(item, user, 80, 60)
    basis = Spectrum(pairs, rank=rank, generator=generator()).basis
    matrix = torch.zeros(pairs.num_users, pairs.num_items, dtype=torch.float64)
    matrix[pairs.user, pairs.item] = 1
    left, right = (matrix.sum(side).clamp(min=1).rsqrt() for side in (1, 0))
    exact = torch.linalg.svd(left[:, None] * matrix * right).Vh[:rank].T
    torch.testing.assert_close(basis @ basis.T, (exact @ exact.T).float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("make", [gf_cf, cheby_cf])
@pytest.mark.parametrize("more", [1, 1000, 10**9])
def test_a_rank_above_what_there_is_is_all_there_is(make: Any, more: int, pairs: Interactions) -> None:
    users, least = torch.arange(pairs.num_users), min(pairs.num_users, pairs.num_items)
    whole, wider = (make(pairs, rank=rank, generator=generator()) for rank in (least, least + more))
    assert torch.equal(wider.scores(users), whole.scores(users))


def test_empty_directions_are_left_out(pairs: Interactions) -> None:
    one = Interactions(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), 2, 3)
    assert Spectrum(one, rank=3, generator=generator()).basis.shape == (3, 1)


@pytest.mark.parametrize("name", ["rank", "ideal_weight", "order", "flatness"])
def test_out_of_range(name: str, pairs: Interactions) -> None:
    value = -1 if name in ("rank", "order") else -1.0
    with pytest.raises(UserError, match=f"cheby_cf: {name} must be at least"):
        cheby_cf(pairs, **{name: value}, generator=generator())  # type: ignore[arg-type]
    if name in ("rank", "ideal_weight"):
        with pytest.raises(UserError, match=f"gf_cf: {name} must be at least 0"):
            gf_cf(pairs, **{name: value}, generator=generator())  # type: ignore[arg-type]


def test_the_compiled_hop_scores_the_same(pairs: Interactions, monkeypatch: pytest.MonkeyPatch) -> None:
    users = torch.arange(pairs.num_users)
    plain = cheby_cf(pairs, rank=2, generator=generator()).scores(users)
    monkeypatch.setattr(spectral, "_COMPILED_FROM", 0)
    compiled = cheby_cf(pairs, rank=2, generator=generator()).scores(users)
    torch.testing.assert_close(compiled, plain, rtol=1e-5, atol=1e-6)
