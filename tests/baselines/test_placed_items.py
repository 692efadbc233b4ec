"""Cold items among warm ones, against plain arithmetic and at its limits."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from sgl_rec.baselines.placed_items import PlacedItems
from sgl_rec.errors import UserError
from sgl_rec.types import Embeddings
from tests.reference.content import placed_items

NUM_USERS, NUM_ITEMS, WIDTH = 5, 9, 4
USERS = torch.arange(NUM_USERS)
COLD = torch.tensor([False, True, False, False, True, False, False, True, True])
KNOWN = 7
"""Items that a first scorer knows that lacks the last two, which are cold."""


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


USER, PLACE = draw(NUM_USERS, WIDTH, seed=0), draw(NUM_ITEMS, WIDTH, seed=1)
POPULARITY, SCORES = draw(NUM_ITEMS, seed=2), 30 + 4 * draw(NUM_USERS, NUM_ITEMS, seed=3)


def first(scores: Tensor = SCORES) -> Embeddings:
    """A Scorer with exactly these scores."""
    return Embeddings(scores, torch.eye(scores.shape[1]))


def scorer(scores: Tensor = SCORES, **options: Any) -> PlacedItems:
    usual: dict[str, Any] = {"user": USER, "place": PLACE, "popularity": POPULARITY, "cold": COLD}
    return PlacedItems(first(scores), **{**usual, **options})


@pytest.mark.parametrize("known", [NUM_ITEMS, KNOWN])
@pytest.mark.parametrize(("weight", "handicap"), [(0.0, 1.0), (0.5, 1.0), (0.0, 0.4), (2.0, 1.7), (1.0, 30.0)])
@pytest.mark.parametrize("most", [1000, 3])
def test_as_the_loops(
    known: int, weight: float, handicap: float, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sgl_rec.baselines.placed_items.MOST_PLACES", most)
    found = scorer(SCORES[:, :known], weight=weight, handicap=handicap)
    expected = placed_items(
        SCORES.double().tolist(),
        USER.double().tolist(),
        PLACE.double().tolist(),
        POPULARITY.double().tolist(),
        COLD.tolist(),
        weight=weight,
        handicap=handicap,
        most=most,
    )
    assert (found.num_users, found.num_items) == (NUM_USERS, NUM_ITEMS)
    torch.testing.assert_close(found.scores(USERS), torch.tensor(expected), rtol=1e-4, atol=1e-4)


def test_a_block_of_users_is_those_rows() -> None:
    some = torch.tensor([3, 0, 3])
    torch.testing.assert_close(scorer(weight=1.0).scores(some), scorer(weight=1.0).scores(USERS)[some])


@pytest.mark.parametrize("known", [NUM_ITEMS, KNOWN])
def test_warm_scores_are_those_of_the_first_bit_for_bit(known: int) -> None:
    found = scorer(SCORES[:, :known], weight=3.0, handicap=0.5).scores(USERS)
    assert torch.equal(found[:, ~COLD], first().scores(USERS)[:, ~COLD])


def test_what_the_first_says_of_cold_items_does_not_matter() -> None:
    other = torch.where(COLD, torch.full_like(SCORES, 1e6), SCORES)
    torch.testing.assert_close(scorer(other).scores(USERS), scorer().scores(USERS), rtol=0, atol=0)
    torch.testing.assert_close(scorer(SCORES[:, :KNOWN]).scores(USERS), scorer().scores(USERS), rtol=0, atol=0)


def test_the_scorers_own_tables_stay_as_they_were() -> None:
    own, user, place, popularity = SCORES.clone(), USER.clone(), PLACE.clone(), POPULARITY.clone()
    placed = scorer(own, user=user, place=place, popularity=popularity, weight=1.0, handicap=2.0)
    assert torch.equal(placed.scores(USERS), placed.scores(USERS))
    for now, before in ((own, SCORES), (user, USER), (place, PLACE), (popularity, POPULARITY)):
        assert torch.equal(now, before)


@pytest.mark.parametrize("handicap", [1.0, 2.0, 5.0])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_the_cold_copy_of_a_warm_item_stands_at_its_place(handicap: float, scale: float) -> None:
    """First and content agree: it stands where the warm one does, or ``handicap`` times as far down."""
    place = torch.nn.functional.normalize(PLACE, dim=1)
    place[1] = place[3]
    agreed = 5 + scale * torch.nn.functional.normalize(USER, dim=1) @ place.T
    found = scorer(agreed, place=place, handicap=handicap).scores(USERS)[:, 1]
    ranked = agreed[:, ~COLD].sort(dim=1, descending=True).values
    own = (ranked > agreed[:, 3:4]).sum(dim=1) + 1
    inside = handicap * own <= ranked.shape[1]
    assert bool(inside.any())
    expected = ranked.gather(1, (handicap * own).long().clamp(max=ranked.shape[1])[:, None] - 1)[:, 0]
    torch.testing.assert_close(found[inside], expected[inside], rtol=1e-5, atol=scale * 1e-4)
    assert bool((found[~inside] < ranked[~inside, -1]).all())


def test_a_handicap_moves_cold_items_down() -> None:
    found = [scorer(handicap=one, weight=0.5).scores(USERS)[:, COLD] for one in (0.1, 0.5, 1.0, 2.0, 10.0, 100.0)]
    assert all(bool((lower < higher).all()) for higher, lower in itertools.pairwise(found))
    best = SCORES[:, ~COLD].amax(dim=1, keepdim=True)
    unit = SCORES[:, ~COLD].std(dim=1, correction=0, keepdim=True)
    assert bool((found[0] <= best + unit).all())


@pytest.mark.parametrize("handicap", [0.3, 1.0, 4.0])
def test_cold_items_stand_among_themselves_as_their_content_does(handicap: float) -> None:
    number, user, place = 60, draw(60, WIDTH, seed=5), draw(60, WIDTH, seed=6)
    cold = torch.arange(number) % 2 > 0
    placed = PlacedItems(
        first(draw(60, number, seed=7)),
        user=user,
        place=place,
        popularity=torch.zeros(number),
        cold=cold,
        handicap=handicap,
    )
    near = (torch.nn.functional.normalize(user, dim=1) @ torch.nn.functional.normalize(place, dim=1).T)[:, cold]
    found = placed.scores(torch.arange(60))[:, cold].gather(1, near.argsort(dim=1))
    assert bool((found.diff(dim=1) >= -1e-5).all())


def test_scale_and_shift_of_the_scores_are_kept() -> None:
    plain, other = (scorer(one, weight=0.5).scores(USERS) for one in (SCORES, 100 * SCORES - 700))
    torch.testing.assert_close(other, 100 * plain - 700, rtol=1e-4, atol=1e-2)


def test_popularity_weighs_in() -> None:
    """The last two items are alike; the latter is the more popular."""
    place, popularity = PLACE.clone(), POPULARITY.clone()
    place[8], popularity[7], popularity[8] = place[7], -1.0, 3.0
    gaps = []
    for weight in (0.0, 1.0, 5.0):
        found = scorer(place=place, popularity=popularity, weight=weight).scores(USERS)
        gaps.append(found[:, 8] - found[:, 7])
    torch.testing.assert_close(gaps[0], torch.zeros(NUM_USERS))
    assert bool((gaps[1] > 0).all())
    assert bool((gaps[2] > 0).all())


def test_scales_do_not_matter() -> None:
    """Lengths of users and places each alone; scale and shift of the popularity."""
    lengths = torch.logspace(-3, 3, NUM_ITEMS)[:, None]
    other = scorer(
        user=USER * lengths[:NUM_USERS], place=PLACE * lengths, popularity=7 * POPULARITY + 3, weight=0.5
    )
    torch.testing.assert_close(other.scores(USERS), scorer(weight=0.5).scores(USERS), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30, 1e6])
def test_where_all_scores_are_equal_cold_ones_are_too(value: float) -> None:
    found = scorer(torch.full_like(SCORES, value), weight=1.0, handicap=2.0).scores(USERS)
    torch.testing.assert_close(found, torch.full_like(SCORES, value))


@pytest.mark.parametrize(
    "options",
    [
        {"user": torch.zeros_like(USER)},
        {"place": torch.zeros_like(PLACE)},
        {"place": PLACE[:1].expand(NUM_ITEMS, -1)},
        {"popularity": torch.full_like(POPULARITY, 0.1)},
        {"cold": torch.arange(NUM_ITEMS) > 0},
    ],
    ids=["users of 0", "places of 0", "one place", "one popularity", "one warm item"],
)
def test_what_tells_nothing_apart_stays_finite(options: dict[str, Tensor]) -> None:
    assert bool(scorer(**options, weight=1.0).scores(USERS).isfinite().all())


def test_no_cold_items_is_the_first() -> None:
    assert torch.equal(scorer(cold=torch.zeros_like(COLD)).scores(USERS), SCORES)


@pytest.mark.parametrize(
    ("known", "options"),
    [
        (NUM_ITEMS, {"user": USER[:4]}),
        (NUM_ITEMS, {"place": PLACE[:8], "popularity": POPULARITY[:8], "cold": COLD[:8]}),
        (NUM_ITEMS, {"popularity": POPULARITY[:8]}),
        (NUM_ITEMS, {"cold": COLD[:8]}),
    ],
)
def test_sizes_that_do_not_fit(known: int, options: dict[str, Tensor]) -> None:
    with pytest.raises(Exception, match=r"of the scorer's sizes, got|Type-check error") as caught:
        scorer(SCORES[:, :known], **options)
    assert isinstance(caught.value, UserError) or "Type" in str(caught.value)


def test_marks_that_do_not_fit() -> None:
    rule = "PlacedItems: cold must be every item the scorer lacks, and not all, got"
    with pytest.raises(UserError, match=f"{rule} 9"):
        scorer(cold=torch.ones_like(COLD))
    with pytest.raises(UserError, match=f"{rule} 4"):
        scorer(SCORES[:, : KNOWN - 1])  # item 6 is warm and unknown


@pytest.mark.parametrize("handicap", [0.0, -1.0, float("inf"), float("nan")])
def test_wrong_handicaps(handicap: float) -> None:
    with pytest.raises(UserError, match="PlacedItems: handicap must be finite and above 0"):
        scorer(handicap=handicap)
