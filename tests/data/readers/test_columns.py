from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.data.readers.columns import check_names, ids_from_text, tidy
from sgl_rec.errors import UserError


def frame(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"user_id": [1, 2], "item_id": [3, 4], **columns})


def test_names_are_not_guessed() -> None:
    with pytest.raises(UserError, match=r"user_id, item_id .* got 'userId', 'item_id'"):
        check_names(["userId", "item_id"], where="shop.csv")
    with pytest.raises(UserError, match="'rating' twice"):
        check_names(["user_id", "item_id", "rating", "rating"], where="x")


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_canonical_integers_come_back_as_integers(numbers: list[int]) -> None:
    assert ids_from_text(pd.Series([str(number) for number in numbers])).tolist() == numbers


@pytest.mark.parametrize("odd", ["007", "+7", "-0", " 7", "7.0", "1e3", "9223372036854775808", "x", "７"])
def test_one_odd_spelling_keeps_all_ids_text(odd: str) -> None:
    assert ids_from_text(pd.Series(["12", odd])).tolist() == ["12", odd]


def test_whole_floats_are_integers() -> None:
    tidied = tidy(frame(user_id=[1.0, 3.0]), where="x")
    assert tidied["user_id"].dtype == np.int64
    assert tidied["user_id"].tolist() == [1, 3]


def test_typed_text_stays_text() -> None:
    assert tidy(frame(user_id=["1", "2"]), where="x")["user_id"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    "ids",
    [
        pd.Categorical([5, 6]),
        pd.array([5, 6], dtype="Int64"),
        np.array([5, 6], np.uint8),
        pd.Series([5, 6], dtype=object),
    ],
)
def test_every_kind_of_integer_is_int64(ids: object) -> None:
    column = tidy(frame(item_id=ids), where="x")["item_id"]
    assert (column.dtype, column.tolist()) == (np.int64, [5, 6])


@pytest.mark.parametrize(
    ("ids", "row"),
    [
        ([1.5, 2.0], "row 1"),
        ([1.0, np.inf], "row 2"),
        ([1.0, 2.0**60], "row 2"),
        ([True, False], "row 1"),
        ([1, "a"], "row 2"),
        (["a", b"b"], "row 2"),
        (["a", None], "row 2"),
        (["a", ""], "row 2"),
        ([1.0, np.nan], "row 2"),
        (np.array([1, 2**63], np.uint64), "row 2"),
        (pd.Series(["a", "\ud800"], dtype=object), "item_id must be"),
        ([2**70, 1], "item_id must be"),
        ([dt.date(2026, 1, 1)] * 2, "row 1"),
    ],
)
def test_what_cannot_be_an_id_is_named(ids: object, row: str) -> None:
    with pytest.raises(UserError, match=row):
        tidy(frame(item_id=pd.Series(ids)), where="x")


def test_no_rows() -> None:
    with pytest.raises(UserError, match="at least one interaction"):
        tidy(frame().iloc[:0], where="x")


@pytest.mark.parametrize(
    "times",
    [
        [86_400, 86_401],
        [86_400.0, 86_401.9],
        ["86400", "86401"],
        ["86400.0", "86401.5"],
        ["1970-01-02", "1970-01-02T00:00:01Z"],
        ["1970-01-02T01:00:00+01:00", "1970-01-02T00:00:01"],
        pd.to_datetime(["1970-01-02 00:00:00", "1970-01-02 00:00:01"]),
        pd.to_datetime(["1970-01-02 00:00:00", "1970-01-02 00:00:01"])
        .tz_localize("UTC")
        .tz_convert("Asia/Tokyo"),
    ],
)
def test_timestamps_in_every_form(times: object) -> None:
    assert tidy(frame(timestamp=times), where="x")["timestamp"].tolist() == [86_400, 86_401]


@pytest.mark.parametrize("times", [["soon", "1"], [1.0, np.nan], [1.0, 1e30], [[1], [2]], ["", "1"]])
def test_what_is_no_timestamp(times: object) -> None:
    with pytest.raises(UserError, match=r"row \d, timestamp|row \d: timestamp"):
        tidy(frame(timestamp=pd.Series(times)), where="x")


def test_ratings() -> None:
    assert tidy(frame(rating=["3", "4.5"]), where="x")["rating"].tolist() == [3.0, 4.5]
    assert tidy(frame(rating=["3", ""]), where="x")["rating"].isna().tolist() == [False, True]
    with pytest.raises(UserError, match="row 2: rating must be a number, got 'good'"):
        tidy(frame(rating=["3", "good"]), where="x")
