"""What is removed, what is counted, and what stands beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.measure import (
    degree,
    figures,
    joined,
    measure_test,
    popularity_baseline,
    seen_pairs,
    validation,
)
from sgl_rec.types import Embeddings, Interactions, RankedLists, Split


def part(*pairs: tuple[int, int]) -> Interactions:
    user, item = np.array(pairs, np.int64).reshape(-1, 2).T
    return Interactions(user, item, 2, 5)


@pytest.fixture
def split() -> Split:
    """User 0 trains on 0 and 1, validates on 2, is tested on 3; user 1 has no test item."""
    return Split(
        "fixed", train=part((0, 0), (0, 1), (1, 0)), valid=part((0, 2), (1, 1)), test=part((0, 3)), dropped=part()
    )


def one_list(split: Split, **changes: object) -> tuple[list[int], dict[str, float]]:
    """User 0's test list from scores that fall with the index, and its figures."""
    scorer = Embeddings(torch.ones(2, 1), torch.tensor([[5.0], [4.0], [3.0], [2.0], [1.0]]))
    blocks: list[RankedLists] = []
    arguments = {"trained_on": ("train",), "ks": (1, 2, 5)} | changes
    measured = measure_test(scorer, split, on_block=blocks.append, **arguments)  # type: ignore[arg-type]
    assert measured.users.tolist() == [0]
    assert measured.num_left_out == 1
    (block,) = blocks
    return [item for item in block.item[0].tolist() if item >= 0], dict(measured.metrics)


def test_train_and_valid_items_leave_the_ranking(split: Split) -> None:
    items, metrics = one_list(split)
    assert items == [3, 4]
    assert metrics["recall@1"] == 1.0


def test_a_protocol_may_keep_the_validation_items(split: Split) -> None:
    published = Split(
        "p", split.train, split.valid, split.test, split.dropped, remove_at_test=("train",), fixed=True
    )
    items, metrics = one_list(published)
    assert items == [2, 3, 4]
    assert metrics["recall@1"] == 0.0
    assert metrics["recall@2"] == 1.0


def test_what_was_trained_on_always_leaves(split: Split) -> None:
    published = Split(
        "p", split.train, split.valid, split.test, split.dropped, remove_at_test=("train",), fixed=True
    )
    assert one_list(published, trained_on=("train", "valid"))[0] == [3, 4]


def test_a_model_that_saw_the_test_part_is_not_measured(split: Split) -> None:
    with pytest.raises(UserError, match="trained on all interactions"):
        one_list(split, trained_on=("train", "valid", "test"))


def test_validation_ranks_validation_items(split: Split) -> None:
    scorer = Embeddings(torch.ones(2, 1), torch.tensor([[5.0], [4.0], [3.0], [2.0], [1.0]]))
    metrics = validation(split, ks=(1, 2))(scorer)
    # User 0: of 2, 3, 4 the first is right. User 1: of 1, 2, 3, 4 the first is right.
    assert metrics["recall@1"] == (1 + 1) / 2


def test_mean_popularity_counts_train_alone(split: Split) -> None:
    assert degree(split, ("train",)).tolist() == [2, 1, 0, 0, 0]
    assert one_list(split)[1]["mean_popularity@1"] == 0.0


def test_popularity_gets_what_the_model_got(split: Split) -> None:
    few = popularity_baseline(split, ("train",)).scores(torch.tensor([0]))[0]
    more = popularity_baseline(split, ("train", "valid")).scores(torch.tensor([0]))[0]
    assert few.tolist() == [2, 1, 0, 0, 0]
    assert more.tolist() == [2, 2, 1, 0, 0]


def test_parts_by_name(split: Split) -> None:
    assert len(joined(split, ("train", "test"))) == 4
    pairs = seen_pairs(split, ("train",), trained_on=("train", "valid"))
    assert pairs.degree().tolist() == [3, 2]


def test_what_train_does_not_know_is_neither_ranked_nor_measured() -> None:
    """User 1 has no train interaction; items 3 and 4 have none, though user 0's test holds 3 and 2."""
    split = Split(
        "global-time",
        train=part((0, 0), (0, 1), (0, 2)),
        valid=part((1, 2), (0, 4)),
        test=part((0, 3), (1, 0)),
        dropped=part(),
        known_only=True,
    )
    with pytest.raises(UserError, match="relevant must be at least one pair"):
        one_list(split)
    train = part((0, 0), (0, 1), (1, 2))
    some = Split("global-time", train, part((1, 0)), part((0, 2), (0, 3)), part(), known_only=True)
    items, metrics = one_list(some)
    assert items == [2], "not 3, nor 4"
    assert (metrics["recall@1"], metrics["ndcg@5"]) == (1.0, 1.0)
    measured = figures(
        Embeddings(torch.ones(2, 1), torch.arange(5.0)[:, None]), some, trained_on=("train",), ks=(1, 5)
    )
    assert all(np.isfinite(list(measured["test"].values())))
    assert measured["protocol"]["users_measured"] == 1
    everything = Split("random", train, part((1, 0)), part((0, 2), (0, 3)), part())
    assert one_list(everything)[0] == [2, 3, 4]


def test_cold_items_are_measured_apart_where_the_split_holds_some_out() -> None:
    """Item 3 is cold at test, item 4 was cold at validation."""
    train, valid, test = part((0, 0), (1, 1)), part((0, 4), (1, 0)), part((0, 3), (0, 1), (1, 3))
    scorer = Embeddings(torch.ones(2, 1), torch.arange(5.0)[:, None])
    plain = Split("random", train, valid, test, part())
    assert "cold" not in figures(scorer, plain, trained_on=("train",), ks=(1, 2))
    held = Split("cold-items", train, part((0, 3)), part((1, 3)), part(), facts={"cold_items": 1})
    for trained_on, name in ((("train",), "cold_among_all"), (("train", "valid"), "warm_among_all")):
        assert name in figures(scorer, held, trained_on=trained_on, ks=(1,))["cold"], "by what was trained on"
    split = Split("cold-items", train, valid, test, part(), facts={"cold_items": 1})
    found = figures(scorer, split, trained_on=("train",), ks=(1, 2))["cold"]
    assert found["cold_among_cold"]["test"]["recall@1"] == 1
    assert found["cold_among_cold"]["users_measured"] == 2
    assert found["cold_among_all"]["test"]["recall@1"] == 0.5, "user 0 has seen 4, user 1 has not"
    assert found["warm_among_all"]["test"]["recall@2"] == 0, "user 0 alone: 3 2"
    assert found["cold_among_all"]["random"]["recall@1"] == 1 / 3, "of 1 2 3 and of 2 3 4"
    assert set(found["cold_among_all"]["interval"]) == {"recall@1", "ndcg@1", "recall@2", "ndcg@2"}


def test_how_the_parts_were_made_stands_in_the_protocol(split: Split) -> None:
    facts = {"split_seed": 5, "valid_from": 7}
    scorer = Embeddings(torch.ones(2, 1), torch.arange(5.0)[:, None])
    for given, seed in ((facts, 5), ({}, None)):
        protocol = figures(scorer, replace(split, facts=given), trained_on=("train",), ks=(1,))["protocol"]
        assert protocol["split_seed"] == seed
        assert given.items() <= protocol.items()
