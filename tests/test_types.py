"""The frozen records: ids, pairs, and the index over pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.errors import UserError
from sgl_rec.types import Adjacency, Embeddings, Ids, Interactions, PairIndex, concatenate


def pairs(user: list[int], item: list[int], shape: tuple[int, int] = (3, 4)) -> Interactions:
    return Interactions(np.array(user, np.int64), np.array(item, np.int64), *shape)


def test_repeated_ids_are_refused() -> None:
    with pytest.raises(UserError, match="values must be distinct, got 7"):
        Ids(pd.Index([7, 8, 7]))


@pytest.mark.parametrize(
    "asked",
    [
        "1.5",
        "1e1",
        "inf",
        "nan",
        "99999999999999999999",
        "-1",
        " 2",
        "2 ",
        "01",
        "1_0",
        "２",
        "",
        None,
        2.5,
        "0x1",
    ],
)
def test_what_is_no_id_of_a_run_with_whole_numbers_is_unknown(asked: object) -> None:
    assert Ids(pd.Index([1, 2, 10])).index_of([asked]).tolist() == [-1]


def test_big_whole_numbers_keep_every_digit_beside_strangers() -> None:
    ids = Ids(pd.Index([2**53, 2**53 + 1, -(2**63)]))
    assert ids.index_of([str(2**53 + 1), "abc", str(-(2**63)), 2**53]).tolist() == [1, -1, 2, 0]


def test_text_ids_keep_their_leading_zeros() -> None:
    ids = Ids(pd.Index(["007", "7", "07"]))
    assert ids.index_of(["7", "007", "0007", 7]).tolist() == [1, 0, -1, 1]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, min_size=1, max_size=20), st.randoms())
def test_every_id_is_found_as_number_and_as_text(values: list[int], random: object) -> None:
    ids = Ids(pd.Index(values, dtype="int64"))
    assert ids.index_of(values).tolist() == list(range(len(values)))
    assert ids.index_of([str(value) for value in values]).tolist() == list(range(len(values)))


def test_nothing_asked_nothing_found() -> None:
    assert Ids(pd.Index([1])).index_of([]).tolist() == []
    assert Ids(pd.Index(["a"])).index_of([]).tolist() == []


@pytest.mark.parametrize(("user", "item"), [([3], [0]), ([-1], [0]), ([0], [4]), ([0], [-1])])
def test_an_index_out_of_range_is_refused(user: list[int], item: list[int]) -> None:
    with pytest.raises(UserError, match="must be in"):
        pairs(user, item)


def test_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(UserError, match="of one length"):
        pairs([0, 1], [0])


def test_take_keeps_users_items_and_timestamps() -> None:
    whole = Interactions(np.array([0, 1, 2]), np.array([3, 2, 1]), 3, 4, np.array([10, 20, 30]))
    part = whole.take(np.array([True, False, True]))
    assert part.timestamp is not None
    assert (part.user.tolist(), part.item.tolist(), part.timestamp.tolist()) == ([0, 2], [3, 1], [10, 30])
    assert (part.num_users, part.num_items) == (3, 4)


def test_degrees_count_users_and_items_without_pairs() -> None:
    data = pairs([0, 0, 2], [1, 3, 3])
    assert data.user_degree().tolist() == [2, 0, 1]
    assert data.item_degree().tolist() == [0, 1, 0, 2]


def test_concatenate_keeps_order() -> None:
    joined = concatenate([pairs([2], [0]), pairs([], []), pairs([0, 1], [3, 3])])
    assert (joined.user.tolist(), joined.item.tolist()) == ([2, 0, 1], [0, 3, 3])


def test_pair_index_is_the_sorted_union() -> None:
    index = PairIndex.build([pairs([2, 0], [1, 3]), pairs([0, 2, 0], [1, 1, 3])])
    assert index.start.tolist() == [0, 2, 2, 3]
    assert index.item.tolist() == [1, 3, 1]
    assert (index.num_users, index.num_items, index.degree().tolist()) == (3, 4, [2, 0, 1])


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=40),
    st.lists(st.integers(0, 4), max_size=8),
)
def test_rows_of_users_are_their_items(found: list[tuple[int, int]], users: list[int]) -> None:
    index = PairIndex.build([pairs([u for u, _ in found], [i for _, i in found], (5, 7))])
    row, item = index.rows(torch.tensor(users, dtype=torch.int64))
    expected = [(place, i) for place, u in enumerate(users) for i in sorted({b for a, b in found if a == u})]
    assert list(zip(row.tolist(), item.tolist(), strict=True)) == expected


def test_transpose_swaps_the_scales() -> None:
    start, column = torch.tensor([0, 1, 2], dtype=torch.int32), torch.tensor([1, 0], dtype=torch.int32)
    left, right = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    turned = Adjacency(start, column, left, right).transpose()
    assert turned.left is right
    assert turned.right is left
    symmetric = Adjacency(start, column, left, left)
    assert symmetric.transpose() is symmetric
    assert symmetric.row.tolist() == [0, 1]


def test_scores_are_dot_products() -> None:
    table = Embeddings(torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[3.0, 4.0]]))
    assert table.scores(torch.tensor([1, 0])).tolist() == [[0 * 3 + 1 * 4], [1 * 3 + 2 * 4]]
