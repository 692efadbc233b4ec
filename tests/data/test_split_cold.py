"""Some items have no interaction in train: all they have is in one part."""

from __future__ import annotations

import numpy as np
import pytest

from sgl_rec.data.assemble import dataset_from_frame
from sgl_rec.data.load import load_dataset
from sgl_rec.data.split_cold import cold_split
from sgl_rec.errors import UserError
from tests.data.split_logs import pairs, parts_of, shuffled, users_with


def test_cold_items_are_in_one_part_alone() -> None:
    data = load_dataset("demo")
    split = cold_split(data)
    degrees = {name: part.item_degree() for name, part in split.parts().items()}
    whole = data.interactions.item_degree()
    for part in ("valid", "test"):
        cold = (degrees[part] > 0) & (degrees["train"] == 0)
        assert cold.sum() == split.facts["cold_items"] == int(0.05 * (whole > 0).sum())
        assert (degrees[part][cold] == whole[cold]).all()
        warm = degrees[part][~cold].sum() / whole[degrees["train"] > 0].sum()
        assert 0.07 < warm < 0.11, "warm items are held out too"
    assert set().union(*parts_of(split).values()) == pairs(data.interactions)


def test_every_item_may_be_cold() -> None:
    data = users_with(*[40] * 6)
    times = np.zeros(40)
    for seed in range(400):
        split = cold_split(data, seed=seed)
        times += (split.train.item_degree() == 0) & (split.test.item_degree() > 0)
    assert times.sum() == 800
    assert np.abs(times - 20).max() < 5 * np.sqrt(20)


def test_the_seed_and_nothing_else_decides() -> None:
    data = users_with(*[30] * 20)
    first = cold_split(data, seed=3)
    assert parts_of(cold_split(dataset_from_frame(shuffled(data)), seed=3)) == parts_of(first)
    assert parts_of(cold_split(data, seed=4)) != parts_of(first)


def test_few_items() -> None:
    split = cold_split(users_with(3, 3))
    assert len(split.train)
    assert (len(split.valid), len(split.test)) == (2, 2), "each item has both users"
    with pytest.raises(UserError, match="split 'cold-items' must have at least 3 items, got 2"):
        cold_split(users_with(2, 2))
