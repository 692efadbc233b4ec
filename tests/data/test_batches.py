from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from sgl_rec.data.batches import Batches, check_trainable
from sgl_rec.errors import UserError
from sgl_rec.types import Interactions


def some(num_users: int = 30, num_items: int = 20, seed: int = 0) -> Interactions:
    touched = np.random.default_rng(seed).random((num_users, num_items)) < 0.3
    user, item = np.nonzero(touched)
    return Interactions(user, item, num_users, num_items)


def test_an_epoch_has_every_interaction_once_and_no_known_positive_as_negative() -> None:
    pairs = some()
    batches = Batches(pairs, batch_size=32, seed=0)
    epoch = batches.epoch(3)
    drawn = [epoch.batch(step) for step in range(batches.num_steps)]
    got = sorted(
        pair for batch in drawn for pair in zip(batch.user.tolist(), batch.positive.tolist(), strict=True)
    )
    known = sorted(zip(pairs.user.tolist(), pairs.item.tolist(), strict=True))
    assert got == known
    negatives = {
        pair for batch in drawn for pair in zip(batch.user.tolist(), batch.negative.tolist(), strict=True)
    }
    assert not negatives & set(known)
    assert [len(batch.user) for batch in drawn[:-1]] == [32] * (batches.num_steps - 1)


def test_a_batch_depends_on_seed_epoch_and_step_alone() -> None:
    def batch(seed: int, epoch: int, step: int) -> list[list[int]]:
        drawn = Batches(some(), batch_size=32, seed=seed).epoch(epoch).batch(step)
        return [part.tolist() for part in (drawn.user, drawn.positive, drawn.negative)]

    assert batch(0, 1, 2) == batch(0, 1, 2)
    others = [batch(1, 1, 2), batch(0, 2, 2), batch(0, 1, 1)]
    assert all(other != batch(0, 1, 2) for other in others)


def test_negatives_differ_between_the_steps_of_an_epoch() -> None:
    one_user = Interactions(np.zeros(40, np.int64), np.arange(40), 1, 1000)
    epoch = Batches(one_user, batch_size=20, seed=0).epoch(0)
    assert not torch.equal(epoch.batch(0).negative, epoch.batch(1).negative)


def test_users_who_touched_everything_are_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    pairs = Interactions(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 1]), 2, 3)
    with caplog.at_level(logging.WARNING, logger="sgl_rec"):
        batches = Batches(pairs, batch_size=8, seed=0)
    assert batches.num_full_users == 1
    assert batches.epoch(0).batch(0).user.tolist() == [1]
    assert "1 users have touched every item" in caplog.text


@pytest.mark.parametrize("pairs", [some().take(np.array([], np.int64)), Interactions(*[np.array([0])] * 2, 1, 1)])
def test_nothing_to_train_on_is_a_clear_error(pairs: Interactions) -> None:
    with pytest.raises(UserError, match="training"):
        Batches(pairs, batch_size=8, seed=0)


def test_check_trainable_says_what_is_missing() -> None:
    full = Interactions(np.array([0, 0]), np.array([0, 1]), 1, 2)
    with pytest.raises(UserError, match="some users must be with an item they have not touched"):
        check_trainable(full)
    check_trainable(Interactions(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, 2))
