"""Samples, twice, by epoch and step."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.training.pair_batches import PairBatches


def noisy(index: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor]:
    return (index + torch.rand(len(index), generator=generator) / 2,)


def make(num_samples: int = 10, batch_size: int = 4, seed: int = 0) -> PairBatches:
    label = torch.arange(num_samples) % 3
    return PairBatches(noisy, noisy, num_samples=num_samples, batch_size=batch_size, seed=seed, label=label)


def test_an_epoch_has_every_sample_once_but_for_the_rest() -> None:
    batches = make()
    assert batches.num_steps == 2
    for number in range(3):
        epoch = batches.epoch(number)
        seen = torch.cat([epoch.batch(step).first[0].long() for step in range(2)])
        assert len(seen.unique()) == 8
    orders = [make().epoch(number).batch(0).first[0].long().tolist() for number in range(3)]
    assert len({tuple(order) for order in orders}) == 3, "every epoch has another order"


def test_both_sides_and_the_label_are_of_the_same_samples() -> None:
    batch = make().epoch(0).batch(1)
    assert torch.equal(batch.first[0].long(), batch.second[0].long())
    assert not torch.equal(batch.first[0], batch.second[0]), "two draws"
    assert batch.label is not None
    assert torch.equal(batch.label, batch.first[0].long() % 3)


def test_a_batch_is_the_same_whenever_it_is_asked_for() -> None:
    one, again, other = make().epoch(2).batch(1), make().epoch(2).batch(1), make(seed=1).epoch(2).batch(1)
    assert torch.equal(one.first[0], again.first[0])
    assert torch.equal(one.second[0], again.second[0])
    assert one.key == again.key != other.key


def test_a_batch_is_no_larger_than_the_data() -> None:
    batches = make(num_samples=3, batch_size=100)
    assert (batches.num_steps, batches.batch_size) == (1, 3)


def test_hard_negatives_come_along() -> None:
    batches = PairBatches(noisy, noisy, num_samples=4, batch_size=2, seed=0, negative=lambda i, g: (i + 100,))
    batch = batches.epoch(0).batch(0)
    assert batch.negative is not None
    assert torch.equal(batch.negative[0], batch.first[0].long() + 100)
    assert make().epoch(0).batch(0).negative is None


@pytest.mark.parametrize(("num_samples", "batch_size"), [(1, 4), (10, 1)])
def test_what_cannot_be_told_apart_is_refused(num_samples: int, batch_size: int) -> None:
    with pytest.raises(UserError, match="must be at least 2"):
        make(num_samples, batch_size)
