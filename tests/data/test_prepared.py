from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sgl_rec.data.assemble import dataset_from_path, read_metadata
from sgl_rec.data.prepared import write_prepared
from sgl_rec.errors import UserError

FRAME = pd.DataFrame({"user_id": ["01", "2"], "item_id": [3, 4], "rating": [1.0, 2.0], "part": ["train", "test"]})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    items = pd.DataFrame({"item_id": [4, 3], "title": ["four", "three"]})
    write_prepared(tmp_path, FRAME, items=items, splits={"standard": FRAME}, metadata={"version": "é"})
    data = dataset_from_path(tmp_path, name="x", entry=None)
    assert data.users.values.tolist() == ["01", "2"]
    assert data.titles is not None
    assert data.titles.tolist() == ["three", "four"]
    assert data.split_files == {"standard": tmp_path / "split_standard.parquet"}
    assert read_metadata(tmp_path) == {"version": "é"}
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"interactions.parquet", "items.parquet", "split_standard.parquet", "dataset.json"}
    assert list(pd.read_parquet(tmp_path / "interactions.parquet")) == ["user_id", "item_id", "rating"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        write_prepared(tmp_path / "file", FRAME)
