"""Ranked lists as files, with the caller's ids."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.export import lists as module
from sgl_rec.export.lists import FORMATS, list_frame, write_lists
from sgl_rec.types import Ids, RankedLists

USERS = Ids(pd.Index([30, 10, 20]))
NASTY = ["plain", 'a "quoted", one', "two\nlines", "007", " spaces ", "ünï\r\n/"]
ITEMS = Ids(pd.Index(NASTY))
TITLES = np.array(["Alien (1979)", 'Say "Hi", World', None, "line\nbreak", "", "-"], dtype=object)
BLOCKS = [
    RankedLists(torch.tensor([2, 0]), torch.tensor([[1, 5, -1], [-1, -1, -1]]),
                torch.tensor([[0.1, -2.5, -torch.inf], [-torch.inf] * 3])),
    RankedLists(torch.tensor([1]), torch.tensor([[2, 3, 4]]), torch.tensor([[1e-12, 1e-13, -1e20]])),
]  # fmt: skip
EXPECTED = [
    (20, NASTY[1], 0.1, 1, TITLES[1]),
    (20, NASTY[5], -2.5, 2, TITLES[5]),
    (10, NASTY[2], 1e-12, 1, TITLES[2]),
    (10, NASTY[3], 1e-13, 2, TITLES[3]),
    (10, NASTY[4], -1e20, 3, TITLES[4]),
]


def read(path: Path) -> list[dict[str, object]]:
    """The rows by a reader that is not ours."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [
        row | {"user_id": int(row["user_id"]), "score": float(row["score"]), "rank": int(row["rank"])}
        for row in rows
    ]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("with_titles", [False, True])
def test_rows_come_back_as_they_were(suffix: str, with_titles: bool, tmp_path: Path) -> None:
    path = tmp_path / f"lists{suffix}"
    titles = TITLES if with_titles else None
    written = write_lists(iter(BLOCKS), users=USERS, items=ITEMS, path=path, titles=titles)
    assert written == (5, 2)  # user 30 has an empty list
    rows = read(path)
    names = ["user_id", "item_id", "score", "rank", "title"][: 5 if with_titles else 4]
    for row, expected in zip(rows, EXPECTED, strict=True):
        assert list(row) == names
        assert (row["user_id"], row["item_id"], row["rank"]) == (expected[0], expected[1], expected[3])
        assert row["score"] == pytest.approx(expected[2], rel=1e-7)
        if with_titles:
            absent = "" if suffix == ".csv" else None
            assert row["title"] == (absent if expected[4] is None else expected[4])


def test_parquet_keeps_the_types_of_ids(tmp_path: Path) -> None:
    for users, items, types in (
        (USERS, ITEMS, (pa.int64(), pa.string())),
        (ITEMS, USERS, (pa.string(), pa.int64())),
    ):
        path = tmp_path / "lists.parquet"
        blocks = [RankedLists(torch.tensor([0]), torch.tensor([[1]]), torch.tensor([[1.0]]))]
        write_lists(blocks, users=users, items=items, path=path)
        schema = pq.read_schema(path)
        assert (schema.field("user_id").type, schema.field("item_id").type) == types
        assert (schema.field("score").type, schema.field("rank").type) == (pa.float32(), pa.int32())


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_lists_are_an_empty_table(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"lists{suffix}"
    assert write_lists([], users=USERS, items=ITEMS, path=path) == (0, 0)
    assert read(path) == []
    if suffix == ".csv":
        assert path.read_text() == "user_id,item_id,score,rank\n"


def test_a_stream_gets_the_bytes_of_the_csv_file(tmp_path: Path) -> None:
    stream = io.StringIO(newline="")
    assert write_lists(BLOCKS, users=USERS, items=ITEMS, path=None, titles=TITLES, stream=stream) == (5, 2)
    write_lists(BLOCKS, users=USERS, items=ITEMS, path=tmp_path / "a.csv", titles=TITLES)
    assert stream.getvalue().encode() == (tmp_path / "a.csv").read_bytes()
    assert stream.getvalue().startswith('user_id,item_id,score,rank,title\n20,"a ""quoted"", one",0.1,1,')


@pytest.mark.parametrize("titles", [None, TITLES])
def test_a_frame_has_the_rows_of_the_file(titles: np.ndarray | None, tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    write_lists(BLOCKS, users=USERS, items=ITEMS, path=path, titles=titles)
    frame = list_frame(iter(BLOCKS), users=USERS, items=ITEMS, titles=titles)
    pd.testing.assert_frame_equal(frame, pd.read_parquet(path))
    empty = list_frame([], users=USERS, items=ITEMS, titles=titles)
    assert (len(empty), list(empty)) == (0, list(frame))


def many_blocks(count: int) -> Iterator[RankedLists]:
    for index in range(count):
        yield RankedLists(torch.tensor([index % 3]), torch.tensor([[1, 0]]), torch.tensor([[2.0, 1.0]]))


def test_small_blocks_are_gathered_into_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROW_GROUP", 10)
    path = tmp_path / "lists.parquet"
    assert write_lists(many_blocks(12), users=USERS, items=ITEMS, path=path) == (24, 12)
    groups = pq.ParquetFile(path).metadata
    assert [groups.row_group(index).num_rows for index in range(groups.num_row_groups)] == [10, 10, 4]
    assert [row["rank"] for row in read(path)] == [1, 2] * 12


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failure_half_way_leaves_the_old_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"lists{suffix}"
    path.write_text("old")

    def failing() -> Iterator[RankedLists]:
        yield from BLOCKS
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_lists(failing(), users=USERS, items=ITEMS, path=path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["lists", "lists.txt", "lists.parquet.gz"])
def test_another_suffix_is_refused_before_anything_is_ranked(name: str, tmp_path: Path) -> None:
    def never() -> Iterator[RankedLists]:
        raise AssertionError("ranked before the name was looked at")
        yield

    with pytest.raises(UserError, match=r"one that ends in \.parquet, \.csv, \.jsonl, got .*lists"):
        write_lists(never(), users=USERS, items=ITEMS, path=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_neither_path_nor_stream_is_refused() -> None:
    with pytest.raises(UserError, match="stream must be given where there is no path"):
        write_lists(BLOCKS, users=USERS, items=ITEMS, path=None)
