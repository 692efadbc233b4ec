"""Neighbours by content against the loops, and the rules of who is a neighbour."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.baselines.content_knn import ContentKnn
from sgl_rec.errors import UserError
from sgl_rec.types import Interactions
from tests.reference.content import content_knn


def everyone(pairs: Interactions) -> Tensor:
    return torch.arange(pairs.num_users)


def one_user(items: list[int], *, num_items: int) -> Interactions:
    return Interactions(np.zeros(len(items), np.int64), np.array(items), 1, num_items)


@pytest.fixture
def vectors(pairs: Interactions) -> Tensor:
    """Content of every item, of other lengths; some cosines are below 0."""
    draw = torch.Generator().manual_seed(3)
    return torch.randn(pairs.num_items, 4, generator=draw) * torch.logspace(-2, 2, pairs.num_items)[:, None]


@pytest.mark.parametrize("num_neighbours", [1, 2, 3, 6, 100])
def test_as_the_loops(num_neighbours: int, pairs: Interactions, touched: list[set[int]], vectors: Tensor) -> None:
    scorer = ContentKnn(pairs, item_vectors=vectors, num_neighbours=num_neighbours)
    expected = content_knn(touched, vectors.double().tolist(), num_neighbours=num_neighbours)
    assert (scorer.num_users, scorer.num_items) == (pairs.num_users, pairs.num_items)
    np.testing.assert_allclose(scorer.scores(everyone(pairs)), expected, rtol=1e-5, atol=1e-6)


def test_a_block_of_users_is_those_rows(pairs: Interactions, vectors: Tensor) -> None:
    scorer, some = ContentKnn(pairs, item_vectors=vectors), torch.tensor([4, 1, 4])
    assert torch.equal(scorer.scores(some), scorer.scores(everyone(pairs))[some])


@pytest.mark.parametrize("num_items", [5, 20, 100, 500])
@pytest.mark.parametrize("num_neighbours", [1, 3])
def test_ties_go_to_the_lower_index(num_items: int, num_neighbours: int) -> None:
    """All items are alike; user j has touched item j alone, so that row j tells whose neighbour it is."""
    own = np.arange(num_items)
    pairs = Interactions(own, own, num_items, num_items)
    scores = ContentKnn(pairs, item_vectors=torch.ones(num_items, 4), num_neighbours=num_neighbours).scores(
        everyone(pairs)
    )
    for item in range(num_items):
        expected = [other for other in range(num_neighbours + 1) if other != item][:num_neighbours]
        assert scores[:, item].nonzero()[:, 0].tolist() == expected


@pytest.mark.parametrize("num_items", [10, 40, 200])
def test_ties_among_a_few_directions(num_items: int) -> None:
    """Items along one of two axes or between them, in turn: a tie wherever two are alike."""
    own = np.arange(num_items)
    pairs = Interactions(own, own, num_items, num_items)
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 4.0]])[torch.arange(num_items) % 3]
    expected = content_knn([{item} for item in range(num_items)], vectors.tolist(), num_neighbours=4)
    found = ContentKnn(pairs, item_vectors=vectors, num_neighbours=4).scores(everyone(pairs))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_an_item_without_content_is_nobodys_neighbour() -> None:
    vectors = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    pairs = one_user([0, 1, 2], num_items=3)
    scores = ContentKnn(pairs, item_vectors=vectors, num_neighbours=1).scores(torch.tensor([0]))
    torch.testing.assert_close(scores, torch.tensor([[0.0, 0.5**0.5, 0.5**0.5]]))


def test_content_that_points_away_counts_nothing() -> None:
    vectors = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [1.0, 0.1]])
    scores = ContentKnn(one_user([0], num_items=3), item_vectors=vectors).scores(torch.tensor([0]))
    assert scores[0, 0] == scores[0, 1] == 0 < scores[0, 2]


def test_cold_items_are_scored_and_are_no_neighbours() -> None:
    """Item 2, which nobody has touched, is like item 0; it does not take the one place that item 1 has there."""
    vectors = torch.tensor([[1.0, 0.0], [3.0, 4.0], [1.0, 0.0]])
    scorer = ContentKnn(one_user([0, 1], num_items=3), item_vectors=vectors, num_neighbours=1)
    torch.testing.assert_close(scorer.scores(torch.tensor([0])), torch.tensor([[0.6, 0.6, 1.0]]))


def test_nobody_has_touched_anything() -> None:
    none = np.empty(0, np.int64)
    scorer = ContentKnn(Interactions(none, none, 2, 3), item_vectors=torch.ones(3, 2))
    assert scorer.scores(torch.tensor([0, 1])).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_blocks_change_nothing(
    rows: int, pairs: Interactions, vectors: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ContentKnn(pairs, item_vectors=vectors, num_neighbours=2).scores(everyone(pairs))
    monkeypatch.setattr("sgl_rec.baselines.matrix.BLOCK_BYTES", 4 * pairs.num_items * rows)
    parts = ContentKnn(pairs, item_vectors=vectors, num_neighbours=2).scores(everyone(pairs))
    torch.testing.assert_close(parts, whole, rtol=1e-6, atol=0)


def test_lengths_do_not_matter(pairs: Interactions, vectors: Tensor) -> None:
    first, second = (ContentKnn(pairs, item_vectors=scale * vectors) for scale in (1.0, 1024.0))
    torch.testing.assert_close(first.scores(everyone(pairs)), second.scores(everyone(pairs)))


def test_errors(pairs: Interactions, vectors: Tensor) -> None:
    with pytest.raises(UserError, match="content-knn: num_neighbours must be at least 1, got 0"):
        ContentKnn(pairs, item_vectors=vectors, num_neighbours=0)
    with pytest.raises(UserError, match=r"content-knn: items must be described by \[content\], got nothing; say"):
        ContentKnn(pairs)
    with pytest.raises(UserError, match="content-knn: item_vectors must be 7 rows, got 6"):
        ContentKnn(pairs, item_vectors=vectors[:6])
