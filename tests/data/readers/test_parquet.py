from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgl_rec.data.readers import parquet
from sgl_rec.data.readers.columns import typed
from sgl_rec.data.reading import Reading
from sgl_rec.errors import UserError

FRAME = pd.DataFrame({"user_id": [1, 1, 2], "item_id": ["05", "6", "05"], "price": [1.0, 2.0, 3.0]})


def test_types_of_the_file_are_kept(tmp_path: Path) -> None:
    FRAME.set_index("price").to_parquet(tmp_path / "interactions.parquet")
    frame = typed(parquet.scan(parquet.find(tmp_path))).frame()
    assert frame.to_dict("list") == {"user_id": [1, 1, 2], "item_id": ["05", "6", "05"]}


def test_where_there_is_none(tmp_path: Path) -> None:
    assert parquet.find(tmp_path) == ()
    assert parquet.find(tmp_path / "x.csv") == ()


def test_columns_that_are_missing(tmp_path: Path) -> None:
    FRAME.rename(columns={"item_id": "sku"}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(
        UserError, match=r"x.parquet: columns must have 'item_id', got 'user_id', 'sku', 'price'; .*--item-column"
    ):
        typed(parquet.scan([tmp_path / "x.parquet"])).frame()


def test_long_integers_beside_a_missing_one_are_exact(tmp_path: Path) -> None:
    FRAME.assign(user_id=pd.array([2**60 + 1, None, 2], dtype="Int64")).to_parquet(tmp_path / "x.parquet")
    assert typed(parquet.scan([tmp_path / "x.parquet"])).frame()["user_id"].tolist() == [2**60 + 1, 2]


def test_columns_of_other_names(tmp_path: Path) -> None:
    own = FRAME.assign(when=pd.to_datetime(["2011-12-09"] * 3), who=[17850.0, None, 2.0])
    own.to_parquet(tmp_path / "x.pq")
    reading = Reading(user_column="who", time_column="when", weight_column="price", title_column="item_id")
    rows = typed(parquet.scan(parquet.find(tmp_path / "x.pq"), reading))
    assert rows.frame().to_dict("list") == {
        "user_id": [17850, 2], "item_id": ["05", "05"], "timestamp": [1323388800] * 2,
    }  # fmt: skip
    assert rows.weight is not None
    assert rows.weight.tolist() == [1.0, 2.0, 3.0]
    assert rows.title is not None
    assert rows.title.values.tolist() == ["05", "6"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_a_clear_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.parquet"
    FRAME.to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))] + data.draw(st.binary(max_size=20)))
    with pytest.raises(UserError, match="must be readable Parquet"):
        typed(parquet.scan([path])).frame()
