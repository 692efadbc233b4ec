"""A tower is chosen by items treated as cold, and places items in what the recommender has learnt."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sgl_rec.config import Config
from sgl_rec.errors import UserError
from sgl_rec.evaluation.cold import evaluate_cold
from sgl_rec.pipeline.content import place as module
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.place import FEWEST, HANDICAPS, WEIGHTS, choose_placement, make_tower, place
from sgl_rec.pipeline.content.placement import Choice
from sgl_rec.pipeline.measure import seen_pairs
from sgl_rec.pipeline.prepare import prepare
from sgl_rec.types import Embeddings, Interactions, PairIndex, Split

USERS, ITEMS, WIDTH = 60, 200, 6


def config(**content: Any) -> Config:
    values = {
        "features": ["x.npy"],
        "hidden_dim": 16,
        "max_epochs": 4,
        "patience": 2,
        "drop_rate": 0.0,
        **content,
    }
    return Config.model_validate({"loss": {"ranking": {"name": "bpr"}}, "content": values})


def world() -> tuple[ItemContent, Embeddings, np.ndarray]:
    """Users who like what is near them; content is a turned copy of where the items are."""
    generator = torch.Generator().manual_seed(0)
    user, item = (torch.randn(size, WIDTH, generator=generator) for size in (USERS, ITEMS))
    turned = item @ torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator))[0]
    known = torch.ones(ITEMS, 1, dtype=torch.bool)
    scores = user @ item.T
    return ItemContent({"features 1": turned}, known), Embeddings(user, item), (scores > 2.0).numpy()


def split_of(likes: np.ndarray, which: np.ndarray, *, name: str, **facts: int) -> Split:
    """0 train, 1 valid, 2 test for each pair that is liked."""
    user, item = np.nonzero(likes)
    train, valid, test = (
        Interactions(user[which == number], item[which == number], USERS, ITEMS) for number in range(3)
    )
    return Split(name, train, valid, test, none(), facts=facts)


def none() -> Interactions:
    return Interactions(np.empty(0, np.int64), np.empty(0, np.int64), USERS, ITEMS)


def cold_split(number: int = 25) -> Split:
    """The last ``number`` items are in validation alone, as many before them in the test alone."""
    likes = world()[2]
    item = np.nonzero(likes)[1]
    which = np.random.default_rng(0).choice(3, size=len(item), p=[0.8, 0.1, 0.1])
    which[item >= ITEMS - 2 * number] = 2
    which[item >= ITEMS - number] = 1
    return split_of(likes, which, name="cold-items", cold_items=number)


def random_split() -> Split:
    likes = world()[2]
    which = np.random.default_rng(0).choice(3, size=int(likes.sum()), p=[0.8, 0.1, 0.1])
    return split_of(likes, which, name="random")


def hidden(learnt: Embeddings, split: Split) -> Embeddings:
    """Those of items outside training are noise, as a recommender leaves them."""
    item = learnt.item.clone()
    unknown = torch.from_numpy(split.train.item_degree() == 0)
    item[unknown] = torch.randn(int(unknown.sum()), WIDTH, generator=torch.Generator().manual_seed(5))
    return Embeddings(learnt.user, item)


def test_validation_items_that_training_has_not_are_the_cold_ones() -> None:
    content, learnt, _ = world()
    split = cold_split()
    learnt = hidden(learnt, split)
    choice = choose_placement(config(), content, learnt, learnt, split)
    valid, train = split.valid.item_degree() > 0, split.train.item_degree() > 0
    assert choice.held == int((valid & ~train).sum()) >= FEWEST
    assert 1 <= choice.epochs <= 4
    assert choice.weight in WEIGHTS
    assert choice.handicap in HANDICAPS
    assert set(choice.tried) == {"weight", "handicap"}
    assert choice.tried["weight"][f"{choice.weight:g}"] == max(choice.tried["weight"].values())
    assert set(choice.tried["handicap"]) <= {f"{handicap:g}" for handicap in HANDICAPS}
    assert choice.seconds > 0


def test_on_a_random_split_a_tenth_of_the_warm_items_is_treated_as_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    content, learnt, _ = world()
    split, shown = random_split(), []
    real = module._learn

    def learn(*arguments: Any, **more: Any) -> Any:
        shown.append(arguments[4])
        return real(*arguments, **more)

    monkeypatch.setattr(module, "_learn", learn)
    choice = choose_placement(config(), content, learnt, learnt, split)
    both = (split.valid.item_degree() > 0) & (split.train.item_degree() > 0)
    assert choice.held == int(0.1 * both.sum()) >= FEWEST
    (among,) = shown
    known = torch.from_numpy(split.train.item_degree() > 0)
    assert int(known.sum()) - int(among.sum()) == choice.held, "the tower is not shown them"


def test_undescribed_items_are_neither_learnt_from_nor_placed() -> None:
    content, learnt, _ = world()
    split = cold_split()
    known = content.known.clone()
    known[::2] = False
    half = ItemContent({"features 1": content.rows[0] * known}, known)
    choice = choose_placement(config(), half, learnt, learnt, split)
    cold = (split.valid.item_degree() > 0) & (split.train.item_degree() == 0)
    assert choice.held == int(cold[1::2].sum())
    placement = place(config(), half, learnt, split.train, epochs=2)
    untrained = torch.from_numpy(split.train.item_degree() == 0)
    assert torch.equal(placement.cold, untrained & known[:, 0])


@pytest.mark.parametrize("described", [5, FEWEST - 1])
def test_too_few_items_to_choose_by(described: int, caplog: pytest.LogCaptureFixture) -> None:
    content, learnt, _ = world()
    split = random_split()
    known = torch.zeros_like(content.known)
    known[:described] = True
    few = ItemContent({"features 1": content.rows[0] * known}, known)
    choice = choose_placement(config(), few, learnt, learnt, split)
    default = Choice()
    assert (choice.epochs, choice.weight, choice.handicap, choice.held) == (
        4, default.weight, default.handicap, 0,
    )  # fmt: skip
    assert "content: too few items to choose by; the tower is trained for 4 epochs" in caplog.text


def test_without_validation(caplog: pytest.LogCaptureFixture) -> None:
    content, learnt, _ = world()
    split = random_split()
    alone = Split("random", split.train, none(), split.test, none())
    assert choose_placement(config(), content, learnt, learnt, alone).held == 0
    assert "too few items to choose by" in caplog.text


def test_the_same_again() -> None:
    content, learnt, _ = world()
    for split in (cold_split(), random_split()):
        first, second = (
            choose_placement(config(drop_rate=0.3), content, learnt, learnt, split) for _ in range(2)
        )
        assert (first.epochs, first.weight, first.handicap, first.held) == (
            second.epochs, second.weight, second.handicap, second.held,
        )  # fmt: skip
        assert first.tried == second.tried
    one, other = (place(config(drop_rate=0.3), content, learnt, split.train, epochs=3) for _ in range(2))
    assert torch.equal(one.placed.place, other.placed.place)
    assert torch.equal(one.placed.popularity, other.placed.popularity)
    assert all(torch.equal(one.parameters[name], other.parameters[name]) for name in one.parameters)


def test_the_seed_counts() -> None:
    content, learnt, _ = world()
    split = cold_split()
    values = config().model_dump()
    other = Config.model_validate({**values, "training": {"seed": 1}})
    one, two = (place(each, content, learnt, split.train, epochs=2) for each in (config(), other))
    assert not torch.equal(one.placed.place, two.placed.place)


def test_nothing_is_learnt_of_the_places_of_cold_items() -> None:
    """Whatever stood at them before: they are not trained, so the tower may not be shown them."""
    content, learnt, _ = world()
    split = cold_split()
    one, other = (
        place(config(), content, each, split.train, epochs=2) for each in (learnt, hidden(learnt, split))
    )
    assert torch.equal(one.placed.place, other.placed.place)


def test_test_items_are_not_looked_at() -> None:
    content, learnt, _ = world()
    split = cold_split()
    blind = Split("cold-items", split.train, split.valid, none(), none(), facts=split.facts)
    one, other = (choose_placement(config(), content, learnt, learnt, each) for each in (split, blind))
    assert one.tried == other.tried


def test_places_are_learnt() -> None:
    """Content says where an item belongs, so cold items among themselves are ranked far better than by chance."""
    content, learnt, _ = world()
    split = cold_split()
    learnt = hidden(learnt, split)
    settings = config(max_epochs=40, patience=10, hidden_dim=64, learning_rate=1e-2, batch_size=50)
    choice = choose_placement(settings, content, learnt, learnt, split)
    placement = place(settings, content, learnt, split.train, epochs=choice.epochs)
    found = evaluate_cold(
        placement.scorer(learnt, learnt.user, choice),
        cold=torch.from_numpy((split.train.item_degree() == 0) & (split.test.item_degree() > 0)),
        relevant=PairIndex.build([split.test]),
        seen=seen_pairs(split, ("train", "valid"), trained_on=("train",)),
        ks=[5],
    )["cold_among_cold"]
    assert found.measured.metrics["ndcg@5"] > 1.5 * found.random["ndcg@5"]


def test_a_tower_begins_as_its_seed_says() -> None:
    content, _, _ = world()
    settings = config().content
    assert settings is not None
    one, two, other = (make_tower(settings, content, embedding_dim=3, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.hidden.weight, two.hidden.weight)
    assert not torch.equal(one.hidden.weight, other.hidden.weight)


def test_nothing_cold_is_left_after_a_refit_on_all(caplog: pytest.LogCaptureFixture) -> None:
    content, learnt, _ = world()
    likes = world()[2]
    user, item = np.nonzero(likes)
    with caplog.at_level(logging.WARNING, "sgl_rec"):
        placement = place(config(), content, learnt, Interactions(user, item, USERS, ITEMS), epochs=1)
    assert not placement.cold[torch.from_numpy(likes.any(axis=0))].any()


def test_no_trained_item_is_described(tmp_path: Path) -> None:
    """A file of features that has the new items alone: said before the recommender is trained."""
    rows = [(user, item, "train" if item < 9 else "test") for user in range(9) for item in range(10)]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "part"])
    (tmp_path / "f.csv").write_text("item_id,a\n9,1\n")
    settings = {"content": {"features": [str(tmp_path / "f.csv")]}, "data": {"split_column": "part"}}
    with pytest.raises(UserError, match="items must be described, one or more of those in training, got none"):
        prepare(frame, method="lightgcn", settings=settings)
