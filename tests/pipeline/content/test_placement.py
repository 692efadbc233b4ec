"""Where cold items stand once a tower has placed them."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.baselines.placed_items import PlacedItems
from sgl_rec.encoders.content_tower import Placed
from sgl_rec.pipeline.content.placement import Choice, Placement
from sgl_rec.types import Embeddings

COLD = torch.tensor([False, True, False, True, False])


@pytest.fixture
def learnt() -> Embeddings:
    generator = torch.Generator().manual_seed(0)
    return Embeddings(*(torch.randn(size, 3, generator=generator) for size in (4, 5)))


@pytest.fixture
def placement() -> Placement:
    generator = torch.Generator().manual_seed(1)
    placed = Placed(torch.randn(5, 3, generator=generator), torch.randn(5, generator=generator))
    return Placement(placed, COLD, ~COLD, {})


def test_cold_rows_stand_at_their_places_and_warm_ones_where_they_were(
    learnt: Embeddings, placement: Placement
) -> None:
    before = learnt.item.clone()
    found = placement.embeddings(learnt)
    assert torch.equal(found.item[~COLD], learnt.item[~COLD])
    assert torch.equal(found.user, learnt.user)
    mean = learnt.item[~COLD].norm(dim=1).mean()
    torch.testing.assert_close(found.item[COLD].norm(dim=1), mean.expand(2))
    cosine = torch.nn.functional.cosine_similarity(found.item[COLD], placement.placed.place[COLD])
    torch.testing.assert_close(cosine, torch.ones(2))
    assert torch.equal(learnt.item, before), "the given ones are not changed"


def test_placed_twice_is_placed_once(learnt: Embeddings, placement: Placement) -> None:
    once = placement.embeddings(learnt)
    assert torch.equal(placement.embeddings(once).item, once.item)


def test_nothing_is_cold(learnt: Embeddings, placement: Placement) -> None:
    warm = Placement(placement.placed, torch.zeros(5, dtype=torch.bool), torch.ones(5, dtype=torch.bool), {})
    assert torch.equal(warm.embeddings(learnt).item, learnt.item)
    assert warm.scorer(learnt, learnt.user, Choice(handicap=3.0)) is learnt


def test_warm_scores_stay_as_they_are(learnt: Embeddings, placement: Placement) -> None:
    users = torch.arange(4)
    scorer = placement.scorer(learnt, learnt.user, Choice(weight=0.5, handicap=1.0))
    assert isinstance(scorer, PlacedItems)
    assert scorer.first is learnt
    first, found = learnt.scores(users), scorer.scores(users)
    assert torch.equal(found[:, ~COLD], first[:, ~COLD])
    assert not torch.isclose(found[:, COLD], first[:, COLD]).any()


def test_a_handicap_puts_cold_items_further_back(learnt: Embeddings, placement: Placement) -> None:
    users = torch.arange(4)
    one, more, less = (
        placement.scorer(learnt, learnt.user, Choice(weight=0.5, handicap=handicap)).scores(users)
        for handicap in (1.0, 3.0, 0.5)
    )
    assert (more[:, COLD] < one[:, COLD]).all()
    assert (one[:, COLD] < less[:, COLD]).all()
    assert torch.equal(more[:, ~COLD], one[:, ~COLD])


def test_a_cold_item_takes_the_rank_of_a_warm_one_of_the_same_place(
    learnt: Embeddings, placement: Placement
) -> None:
    place = placement.placed.place.clone()
    place[1], place[3] = place[0], place[4]
    same = Placement(Placed(place, torch.zeros(5)), COLD, ~COLD, {})
    scores = same.scorer(learnt, learnt.user, Choice(weight=0.0, handicap=1.0)).scores(torch.arange(4))
    cosine = torch.nn.functional.normalize(learnt.user, dim=1) @ torch.nn.functional.normalize(place, dim=1).T
    for user in range(4):
        warm = sorted(learnt.scores(torch.tensor([user]))[0, ~COLD].tolist(), reverse=True)
        for cold, twin in ((1, 0), (3, 4)):
            ahead = int((cosine[user, ~COLD] > cosine[user, twin] + 1e-6).sum())
            assert float(scores[user, cold]) == pytest.approx(warm[ahead], abs=1e-4)


def test_weight_is_of_popularity(learnt: Embeddings, placement: Placement) -> None:
    """With a large one, all users agree on which of the cold items is the better one."""
    scores = placement.scorer(learnt, learnt.user, Choice(weight=50.0)).scores(torch.arange(4))[:, COLD]
    assert (scores.argmax(dim=1) == placement.placed.popularity[COLD].argmax()).all()
