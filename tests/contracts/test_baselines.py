"""What every listed baseline must do; a new one is tested by being listed in BASELINES."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from sgl_rec.baselines import BASELINES
from sgl_rec.ranking import rank
from sgl_rec.types import Embeddings, Interactions, PairIndex, Scorer

ARGUMENTS: dict[str, dict[str, Any]] = {"implicit_als": {"embedding_dim": 2}}
"""What the small data asks for: 64 dimensions would know every pair by heart."""


@pytest.fixture(params=BASELINES.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fitted(name: str, pairs: Interactions, *, seed: int = 0) -> Scorer:
    make = BASELINES[name]
    takes = inspect.signature(make).parameters
    given: dict[str, Any] = {"generator": torch.Generator().manual_seed(seed)} if "generator" in takes else {}
    if "item_vectors" in takes:  # content that tells the two tastes apart, and is of items nobody has touched too
        given["item_vectors"] = torch.eye(2)[torch.arange(pairs.num_items) % 2]
    scorer: Scorer = make(pairs, **ARGUMENTS.get(name, {}), **given)
    return scorer


def some_pairs(num_users: int = 12, num_items: int = 15) -> Interactions:
    """Two tastes; the last user and the last item have no interaction."""
    rng = np.random.default_rng(0)
    keys = []
    for user in range(num_users - 1):
        half = np.arange(user % 2, num_items - 1, 2)
        keys += [user * num_items + item for item in rng.choice(half, 4, replace=False)]
    return Interactions(np.array(keys) // num_items, np.array(keys) % num_items, num_users, num_items)


def test_scores_of_any_block_are_finite_and_the_same(name: str) -> None:
    pairs = some_pairs()
    scorer = fitted(name, pairs)
    assert isinstance(scorer, Scorer)
    assert (scorer.num_users, scorer.num_items) == (12, 15)
    everyone = scorer.scores(torch.arange(12))
    assert (tuple(everyone.shape), everyone.dtype) == ((12, 15), torch.float32)
    assert everyone.isfinite().all()
    block = scorer.scores(torch.tensor([11, 3, 3]))
    torch.testing.assert_close(block, everyone[[11, 3, 3]], rtol=1e-4, atol=1e-6)


def test_same_seed_same_bits_and_no_global_draws(name: str) -> None:
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, again = (fitted(name, some_pairs()).scores(torch.arange(12)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpy_state).all()


def test_the_order_of_the_pairs_is_nothing_to_it(name: str) -> None:
    pairs = some_pairs()
    mixed = pairs.take(np.random.default_rng(1).permutation(len(pairs)))
    assert torch.equal(fitted(name, mixed).scores(torch.arange(12)), fitted(name, pairs).scores(torch.arange(12)))


def test_it_finds_the_users_taste(name: str) -> None:
    """Untouched items of one's own half come before those of the other."""
    if name == "popularity":
        pytest.skip("the same list for everybody")
    pairs = some_pairs()
    scorer = fitted(name, pairs)
    (lists,) = rank(scorer, k=3, seen=PairIndex.build([pairs]))
    own = (lists.item[:11] % 2 == (torch.arange(11) % 2)[:, None]).float().mean()
    assert own > 0.9


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (4, 1)])
def test_one_user_or_one_item(name: str, size: tuple[int, int]) -> None:
    user, item = np.meshgrid(*map(np.arange, size))
    scorer = fitted(name, Interactions(user.ravel(), item.ravel(), *size))
    assert scorer.scores(torch.arange(size[0])).isfinite().all()


def test_no_interactions_at_all(name: str) -> None:
    none = np.array([], dtype=np.int64)
    scorer = fitted(name, Interactions(none, none, 2, 3))
    assert scorer.scores(torch.tensor([0, 1])).isfinite().all()


def test_a_block_is_the_callers_to_change(name: str) -> None:
    scorer = fitted(name, some_pairs())
    before = scorer.scores(torch.tensor([0, 1])).clone()
    scorer.scores(torch.tensor([0, 1])).fill_(-1)
    assert torch.equal(scorer.scores(torch.tensor([0, 1])), before)


def test_what_is_no_factor_model_is_not_passed_for_one(name: str) -> None:
    assert isinstance(fitted(name, some_pairs()), Embeddings) == name.startswith("implicit")
