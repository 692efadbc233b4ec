from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgl_rec.data.readers import parquet
from sgl_rec.errors import UserError

FRAME = pd.DataFrame({"user_id": [1, 1, 2], "item_id": ["05", "6", "05"], "price": [1.0, 2.0, 3.0]})


def test_types_of_the_file_are_kept(tmp_path: Path) -> None:
    FRAME.set_index("price").to_parquet(tmp_path / "interactions.parquet")
    frame = parquet.read(parquet.find(tmp_path))
    assert frame.to_dict("list") == {"user_id": [1, 1, 2], "item_id": ["05", "6", "05"]}


def test_where_there_is_none(tmp_path: Path) -> None:
    assert parquet.find(tmp_path) == ()
    assert parquet.find(tmp_path / "x.csv") == ()


def test_columns_that_are_missing(tmp_path: Path) -> None:
    FRAME.rename(columns={"item_id": "sku"}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(UserError, match=r"x.parquet: columns must be user_id, item_id.*'sku'"):
        parquet.read([tmp_path / "x.parquet"])


def test_a_missing_id_is_named_by_row(tmp_path: Path) -> None:
    FRAME.assign(user_id=pd.array([1, None, 2], dtype="Int64")).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(UserError, match="row 2: user_id must be given"):
        parquet.read([tmp_path / "x.parquet"])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_is_a_clear_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.parquet"
    FRAME.to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))] + data.draw(st.binary(max_size=20)))
    with pytest.raises(UserError, match="must be readable Parquet"):
        parquet.read([path])
