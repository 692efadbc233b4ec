"""What the terms without negatives look at, and the prototypes one of them learns."""

from __future__ import annotations

from typing import Any

import jaxtyping
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.losses.noncontrastive_terms import BarlowTwinsTerm, ByolTerm, SwavTerm
from sgl_rec.losses.pair_terms import PairStep
from tests.losses.pairs import rows
from tests.reference import pair_losses as reference

FIRST, SECOND, FIRST_TARGET, SECOND_TARGET = (rows(6, seed=seed) for seed in range(4))
STEP = PairStep(FIRST, SECOND, first_target=FIRST_TARGET, second_target=SECOND_TARGET)


def swav_term(**options: Any) -> SwavTerm:
    generator = torch.Generator().manual_seed(0)
    return SwavTerm(num_prototypes=4, embedding_dim=5, generator=generator, **options).double()


def test_byol_is_the_sum_of_both_directions() -> None:
    forward = reference.byol(FIRST.tolist(), SECOND_TARGET.tolist())
    backward = reference.byol(SECOND.tolist(), FIRST_TARGET.tolist())
    assert ByolTerm()(STEP).item() == pytest.approx((sum(forward) + sum(backward)) / 6, rel=1e-9)
    swapped = PairStep(SECOND, FIRST, first_target=SECOND_TARGET, second_target=FIRST_TARGET)
    torch.testing.assert_close(ByolTerm()(swapped), ByolTerm()(STEP))


def test_swav_is_the_mean_with_its_own_prototypes() -> None:
    term = swav_term(temperature=0.2, epsilon=0.1, num_iterations=2)
    prototype = term.prototypes.weight.tolist()
    expected = reference.swav(FIRST.tolist(), SECOND.tolist(), prototype, 0.2, 0.1, 2)
    assert term(STEP).item() == pytest.approx(sum(expected) / 6, rel=1e-9)


def test_swav_learns_prototypes_that_stay_on_the_sphere() -> None:
    term = swav_term()
    start = term.prototypes.weight.detach().clone()
    optimizer = torch.optim.SGD(term.parameters(), lr=1.0)
    term(STEP).backward()
    optimizer.step()
    term.after_step()
    assert (term.prototypes.weight - start).norm(dim=1).min() > 1e-4
    torch.testing.assert_close(term.prototypes.weight.norm(dim=1), torch.ones(4).double())


def test_barlow_twins_is_that_of_the_views() -> None:
    expected = reference.barlow_twins(FIRST.tolist(), SECOND.tolist(), 0.1)
    assert BarlowTwinsTerm(off_diagonal_weight=0.1)(STEP).item() == pytest.approx(expected, rel=1e-9)


def test_settings_out_of_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    for wrong, message in (
        ({"temperature": 0.0}, "swav: temperature must be finite and > 0"),
        ({"epsilon": -1.0}, "balanced_codes: epsilon must be finite and > 0"),
        ({"num_iterations": 0}, "balanced_codes: num_iterations must be at least 1"),
    ):
        with pytest.raises(UserError, match=message):
            swav_term(**wrong)
    with pytest.raises(UserError, match="Prototypes: num_prototypes must be at least 1"):
        SwavTerm(num_prototypes=0, generator=torch.Generator())
    with pytest.raises(UserError, match="swav: prototype must be of width 5, got 128"):
        SwavTerm(num_prototypes=3, generator=torch.Generator()).double()(STEP)
    with pytest.raises(UserError, match="barlow_twins: off_diagonal_weight must be finite and >= 0"):
        BarlowTwinsTerm(off_diagonal_weight=-1.0)
