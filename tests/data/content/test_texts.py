"""The text of each item, from the columns that were asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sgl_rec.data.content.texts import item_texts
from sgl_rec.data.reading import Reading
from sgl_rec.data.titles import read_items, read_items_file
from sgl_rec.errors import UserError
from sgl_rec.types import Ids

ITEMS = Ids(pd.Index([3, 1, 2]))


def test_columns_stand_in_the_order_they_are_asked_for() -> None:
    table = pd.DataFrame({"item_id": [1, 2, 9], "a": ["one", "two", "nine"], "b": ["x", "y", "z"]})
    assert item_texts(ITEMS, table, columns=["b", "a"], where="t").tolist() == ["", "x. one", "y. two"]
    assert item_texts(ITEMS, table, columns=["a"], where="t").tolist() == ["", "one", "two"]


def test_what_is_empty_leaves_no_mark() -> None:
    table = pd.DataFrame(
        {"item_id": [1, 2, 3], "a": [" ", None, " hat "], "b": ["x|y", "", np.nan]}, dtype=object
    )
    assert item_texts(ITEMS, table, columns=["a", "b"], where="t").tolist() == ["hat", "x, y", ""]


def test_the_first_row_of_an_item_counts() -> None:
    table = pd.DataFrame({"item_id": [2, 1, 2, 2], "a": ["first", "one", "second", "third"]})
    assert item_texts(ITEMS, table, columns=["a"], where="t").tolist() == ["", "one", "first"]


def test_titles_of_the_log_are_the_column_title() -> None:
    titles = np.array(["three", "one", ""], dtype=object)
    assert item_texts(ITEMS, None, columns=["title"], titles=titles, where="t").tolist() == ["three", "one", ""]
    table = pd.DataFrame({"item_id": [2], "title": ["not this"], "kind": ["two"]})
    found = item_texts(ITEMS, table, columns=["title", "kind"], titles=titles, where="t")
    assert found.tolist() == ["three", "one", "two"]


def test_ids_are_compared_by_their_spelling() -> None:
    table = pd.DataFrame({"item_id": ["1", "01", "2"], "a": ["one", "other", "two"]})
    assert item_texts(ITEMS, table, columns=["a"], where="t").tolist() == ["", "one", "two"]
    texts = Ids(pd.Index(["01", "2"]))
    assert item_texts(texts, table, columns=["a"], where="t").tolist() == ["other", "two"]


@pytest.mark.parametrize(
    ("table", "got"), [(None, "nothing"), (pd.DataFrame({"item_id": [1], "title": ["one"]}), "'title'")]
)
def test_an_unknown_column(table: pd.DataFrame | None, got: str) -> None:
    with pytest.raises(UserError, match=rf"films: items must be described by 'genre', got {got};"):
        item_texts(ITEMS, table, columns=["genre"], where="films")


def test_no_item() -> None:
    table = pd.DataFrame({"item_id": [1], "a": ["one"]})
    assert item_texts(Ids(pd.Index([], dtype="int64")), table, columns=["a"], where="t").tolist() == []


def test_numbers_are_texts_too(tmp_path: Path) -> None:
    pd.DataFrame({"item_id": [1, 2], "year": [1999, 2004]}).to_parquet(tmp_path / "items.parquet")
    table = read_items(tmp_path, texts=["year"])
    assert item_texts(ITEMS, table, columns=["year"], where="t").tolist() == ["", "1999", "2004"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(
            pa.array(["hat", None]).dictionary_encode(),
            ["", "hat", ""],
        ),
        pytest.param(
            pa.array([0, None], pa.timestamp("s")),
            ["", "1970-01-01 00:00:00.000", ""],
        ),
        pytest.param(
            pa.array([1999, None]),
            ["", "1999", ""],
        ),
    ],
)
def test_a_column_with_a_missing_value(column: pa.Array, expected: list[str], tmp_path: Path) -> None:
    """As ``items.parquet`` of a data set may have it; one of its items has no value."""
    pq.write_table(pa.table({"item_id": [1, 2], "a": column}), tmp_path / "items.parquet")
    table = read_items(tmp_path, texts=["a"])
    assert item_texts(ITEMS, table, columns=["a"], where="t").tolist() == expected


def test_columns_of_a_data_sets_own_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"item_id": [2, 1], "title": ["two", "one"], "kind": ["x", "y"], "price": [1, 2]})
    frame.to_parquet(tmp_path / "items.parquet")
    table = read_items(tmp_path, texts=["kind", "title"])
    assert table is not None
    assert list(table.columns) == ["item_id", "title", "kind"]
    with pytest.raises(UserError, match=r"items\.parquet.*'colour', got 'title', 'kind', 'price'.*--item-text"):
        read_items(tmp_path, texts=["colour"])


def test_movies_have_genres(tmp_path: Path) -> None:
    (tmp_path / "movies.dat").write_text("1::Toy Story::Animation|Comedy\n2::Heat::Crime\n")
    table = read_items(tmp_path, texts=["title", "genres"])
    found = item_texts(ITEMS, table, columns=["title", "genres"], where="t")
    assert found.tolist() == ["", "Toy Story. Animation, Comedy", "Heat. Crime"]
    with pytest.raises(UserError, match=r"movies\.dat.*'kind'.*genres"):
        read_items(tmp_path, texts=["kind"])


def test_a_file_of_items_has_more_than_titles(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("sku,name,kind\n1,one,x\n2,two,y\n")
    reading = Reading(item_column="sku", title_column="name")
    table = read_items_file(path, reading, texts=("title", "kind"))
    assert table.to_dict("list") == {"item_id": [1, 2], "title": ["one", "two"], "kind": ["x", "y"]}
    assert list(read_items_file(path, reading, texts=()).columns) == ["item_id"]
    with pytest.raises(UserError, match=r"'colour', got 'sku', 'name', 'kind'.*--item-text"):
        read_items_file(path, reading, texts=("colour",))
    with pytest.raises(UserError, match=r"--new-items: .*none\.csv must be a file of items, got none"):
        read_items_file(tmp_path / "none.csv", reading, option="--new-items")


def test_a_zero_byte_in_a_text(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"item_id": [1, 2], "kind": ["x", "a\0b"]}), path)
    with pytest.raises(UserError, match=r"items\.parquet, row 2: kind must be text, got a zero byte"):
        read_items_file(path, Reading(), texts=("kind",))
