from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sgl_rec.data.readers.columns import Raw, Rows, part_of_rows, typed
from sgl_rec.errors import UserError


def rows(**columns: object) -> Rows:
    given = {"user_id": [1, 2], "item_id": [3, 4], **columns}
    return typed(Raw("x", {name: pd.Series(values) for name, values in given.items()}))  # type: ignore[call-overload]


def test_no_rows() -> None:
    with pytest.raises(UserError, match="x: the data must be at least one interaction, got none"):
        rows(user_id=[], item_id=[])


def test_ratings_and_weights() -> None:
    assert rows(rating=["3", "4.5"]).rating.tolist() == [3.0, 4.5]  # type: ignore[union-attr]
    assert np.isnan(rows(weight=["3", " "]).weight).tolist() == [False, True]  # type: ignore[arg-type]
    assert np.isnan(rows(weight=pd.array([3, None], "Int64")).weight).tolist() == [False, True]  # type: ignore[arg-type]
    with pytest.raises(UserError, match="row 2: rating must be a number, got 'good'"):
        rows(rating=["3", "good"])


def test_numbers_in_dictionary_encoded_text() -> None:
    column = pa.chunked_array([pa.array(["2", "", "2", None, "-1.5"]).dictionary_encode()])
    ids = pd.Series(range(5))
    weight = typed(Raw("x", {"user_id": ids, "item_id": ids, "weight": column}, text=True)).weight
    assert weight is not None
    assert np.array_equal(weight, [2, np.nan, 2, np.nan, -1.5], equal_nan=True)
    wrong = pa.chunked_array([pa.array(["2", "2", "2", "a", "2"]).dictionary_encode()])
    with pytest.raises(UserError, match="row 4: weight must be a number, got 'a'"):
        typed(Raw("x", {"user_id": ids, "item_id": ids, "weight": wrong}, text=True))


def test_a_place_is_named_as_the_reader_says() -> None:
    columns = {name: pd.Series([1.5, 2]) for name in ("user_id", "item_id")}
    with pytest.raises(UserError, match=r"x, line 7: user_id must be an integer"):
        typed(Raw("x", columns, line=lambda row: f"line {row + 7}"))


def test_taking_rows_keeps_what_codes_mean() -> None:
    some = rows(timestamp=[5, 6], title=["a", None]).take(np.array([False, True]))
    assert (len(some), some.user.decode().tolist(), some.timestamp.tolist()) == (1, [2], [6])  # type: ignore[union-attr]
    assert some.title is not None
    assert some.title.code.tolist() == [-1]


def test_a_frame_of_the_prepared_form() -> None:
    whole = rows(user_id=[7.0, np.nan], item_id=["05", "6"], rating=[1, 2], weight=[1, 2]).frame()
    assert whole.to_dict("list") == {"user_id": [7], "item_id": ["05"], "rating": [1.0]}


def test_parts() -> None:
    assert list(part_of_rows(["train", "test"], [1, 2])) == ["train", "test", "test"]


def test_a_column_says_the_part() -> None:
    ids = pd.Series(range(3))
    columns = {"user_id": ids, "item_id": ids, "part": pd.Series(["train", "test", "valid"], dtype="category")}
    assert list(typed(Raw("x", columns)).part) == ["train", "test", "valid"]  # type: ignore[arg-type]
    for wrong in (["train", "dev", "test"], ["train", None, "test"]):
        with pytest.raises(UserError, match=r"row 2: part must be train, valid or test, got"):
            typed(Raw("x", {**columns, "part": pd.Series(wrong)}))
    text = pa.chunked_array([pa.array(["test", "test", "train"]).dictionary_encode()])
    assert list(typed(Raw("x", {**columns, "part": text})).part) == ["test", "test", "train"]  # type: ignore[arg-type]
