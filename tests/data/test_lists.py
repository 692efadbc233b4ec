"""Somebody else's lists, in every form they may come."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sgl_rec.data.lists import read_lists
from sgl_rec.errors import UserError
from sgl_rec.types import Ids

USERS, ITEMS = Ids(pd.Index(["ann", "bob", "cy"])), Ids(pd.Index([10, 11, 12, 13]))
ROWS = {
    "user_id": ["bob", "ann", "ann", "ann", "bob"],
    "item_id": [12, 13, 11, 10, 99],
    "rank": [2, 3, 1, 2, 1],
    "score": [0.1, 0.5, 0.7, 0.6, 0.9],
}


def written(folder: Path, rows: dict[str, list[object]], suffix: str) -> Path:
    path, frame = folder / f"lists{suffix}", pd.DataFrame(rows)
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("order", [["rank"], ["score"], ["score", "rank"]])
@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".tsv", ".csv.gz"])
def test_rows_in_any_order_are_lists(tmp_path: Path, suffix: str, order: list[str]) -> None:
    rows = {name: ROWS[name] for name in ("user_id", "item_id", *order)}
    given = read_lists(written(tmp_path, rows, suffix), users=USERS, items=ITEMS, k=2)  # type: ignore[arg-type]
    assert given.item.tolist() == [[1, 0], [-1, 2], [-1, -1]]
    assert given.length.tolist() == [3, 2, 0]
    assert given.num_unknown == 1


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_beside_a_rank_no_score_is_read(tmp_path: Path, suffix: str) -> None:
    rows = {**ROWS, "score": [None, 0.5, float("inf"), 0.6, 0.9]}
    given = read_lists(written(tmp_path, rows, suffix), users=USERS, items=ITEMS, k=2)
    assert given.item.tolist() == [[1, 0], [-1, 2], [-1, -1]]


def test_equal_scores_keep_the_order_of_the_file(tmp_path: Path) -> None:
    rows = {"user_id": ["ann"] * 3, "item_id": [12, 10, 11], "score": [1.0, 1.0, 1.0]}
    given = read_lists(written(tmp_path, rows, ".csv"), users=USERS, items=ITEMS, k=3)  # type: ignore[arg-type]
    assert given.item[0].tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"user_id": ["bob", "ann", "dan", "ann", "bob"]}, "got 1 others of 3, 'dan' the first; write"),
        ({"item_id": [12, 13, 13, 10, 99]}, "row 3: item_id must be once in a user's list, got 13 again"),
        ({"rank": [2, 3, 3, 2, 1]}, "row 3: rank must be once"),
        ({"rank": [2, None, 1, 2, 1]}, "row 2: rank must be a finite number"),
        ({"rank": [2, "third", 1, 2, 1]}, "row 2: rank must be a finite number, got 'third'"),
        ({"user_id": ["bob", None, "ann", "ann", "bob"]}, "row 2: user_id must be given"),
    ],
)
def test_what_is_no_list_is_refused_by_its_row(
    tmp_path: Path, change: dict[str, list[object]], fault: str
) -> None:
    path = written(tmp_path, {**ROWS, **change}, ".csv")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=fault):
        read_lists(path, users=USERS, items=ITEMS, k=2)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_faults_show_values_as_they_were_written(tmp_path: Path, suffix: str) -> None:
    numbers = Ids(pd.Index([1, 2]))
    rows = {"user_id": [1, 3], "item_id": [10, 11], "rank": [1, 2]}
    with pytest.raises(UserError, match="got 1 others of 2, 3 the first; write"):
        read_lists(written(tmp_path, rows, suffix), users=numbers, items=ITEMS, k=2)  # type: ignore[arg-type]
    rows = {"user_id": [1, 2], "item_id": [10, 11], "score": [1.0, float("inf")]}
    with pytest.raises(UserError, match=r"row 2: score must be a finite number, got '?inf'?$"):
        read_lists(written(tmp_path, rows, suffix), users=numbers, items=ITEMS, k=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_missing_columns_are_named(tmp_path: Path, suffix: str) -> None:
    rows = {"user_id": ["ann"], "item_id": [10], "place": [1]}
    path = written(tmp_path, rows, suffix)  # type: ignore[arg-type]
    with pytest.raises(
        UserError, match="must be user_id, item_id, and rank or score, got user_id, item_id, place"
    ):
        read_lists(path, users=USERS, items=ITEMS, k=2)


def test_a_file_that_is_absent_or_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "noise.parquet").write_bytes(b"\0noise")
    for name, fault in (("absent.csv", "must be a file of lists"), ("noise.parquet", "readable Parquet")):
        with pytest.raises(UserError, match=fault):
            read_lists(tmp_path / name, users=USERS, items=ITEMS, k=2)
