"""The Parquet tables of a run folder: types, order, and a checksum on every page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sgl_rec.pipeline.run_tables import read_ids, read_pairs, read_table, write_ids, write_pairs, write_table
from sgl_rec.types import Ids, Interactions

IDS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5, unique=True) | st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=5, unique=True
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(users=IDS, items=IDS, titled=st.booleans())
def test_ids_of_any_kind_come_back(
    tmp_path: Path, users: list[object], items: list[object], titled: bool
) -> None:
    titles = np.array([None, *(f"title {item}" for item in items)][: len(items)], object) if titled else None
    write_ids(tmp_path / "ids.parquet", Ids(pd.Index(users)), Ids(pd.Index(items)), titles)
    people, things, read = read_ids(tmp_path / "ids.parquet")
    assert people.values.tolist() == users
    assert things.values.tolist() == items
    assert people.is_integer == isinstance(users[0], int)
    assert (read is None) == (titles is None)
    assert read is None or titles is None or read.tolist() == titles.tolist()


def test_pairs_keep_part_and_order(tmp_path: Path) -> None:
    users, items = Ids(pd.Index(["b", "a"])), Ids(pd.Index([30, 10, 20]))
    parts = {
        name: Interactions(np.array(user, np.int64), np.array(item, np.int64), 2, 3)
        for name, user, item in (
            ("train", [1, 0, 1], [2, 0, 0]),
            ("valid", [], []),
            ("test", [0], [1]),
            ("dropped", [1], [1]),
        )
    }
    write_pairs(tmp_path / "pairs.parquet", parts, users, items, {"note": json.dumps("é")})
    table = read_table(tmp_path / "pairs.parquet")
    assert json.loads(table.schema.metadata[b"note"]) == "é"
    assert table["user_id"].to_pylist() == ["a", "b", "a", "b", "a"]
    assert table["item_id"].to_pylist() == [20, 30, 30, 10, 10]
    assert table["part"].to_pylist() == ["train", "train", "train", "test", "dropped"]
    for name, pairs in read_pairs(table, users, items).items():
        assert (pairs.user.tolist(), pairs.item.tolist()) == (
            parts[name].user.tolist(),
            parts[name].item.tolist(),
        )


def test_a_pair_of_unknown_ids_is_refused(tmp_path: Path) -> None:
    table = pa.table({"user_id": ["a", "x"], "item_id": [1, 1], "part": ["train", "train"]})
    with pytest.raises(ValueError, match="user must be in"):
        read_pairs(table, Ids(pd.Index(["a"])), Ids(pd.Index([1])))


def test_a_flipped_bit_within_the_values_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    ids = np.random.default_rng(0).integers(2**62, size=10_000)
    write_table(pa.table({"id": ids}), file)
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 4] ^= 1
    file.write_bytes(whole)
    assert np.count_nonzero(pq.read_table(file)["id"].to_numpy() != ids) == 1, "nobody else would notice"
    with pytest.raises(OSError, match="CRC"):
        read_table(file)
