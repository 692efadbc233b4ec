"""A folder with one table a part."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sgl_rec.data.assemble import dataset_from_path
from sgl_rec.data.readers import find_reader, parts
from sgl_rec.data.reading import Reading
from sgl_rec.data.splits import make_split
from sgl_rec.errors import UserError

PART = {"train": [(1, "007"), (2, "8")], "valid": [(1, "8")], "test": [(2, "007"), (1, "9")]}


def write(folder: Path, suffix: str, names: tuple[str, ...] = ("train", "valid", "test")) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        frame = pd.DataFrame(PART[name], columns=["user_id", "item_id"])
        if suffix == ".parquet":
            frame.to_parquet(folder / f"{name}.parquet")
        else:
            frame.to_csv(folder / f"{name}{suffix}", index=False, sep="\t" if suffix == ".tsv" else ",")
    return folder


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_the_three_files_are_the_split(tmp_path: Path, suffix: str) -> None:
    data = dataset_from_path(write(tmp_path, suffix), name="shop", entry=None)
    assert data.items.values.tolist() == ["007", "8", "9"], "one id with zeros makes all of them text"
    assert data.users.values.tolist() == [1, 2]
    split = make_split(data, name="standard")
    found = {
        name: {(data.users.values[u], data.items.values[i]) for u, i in zip(part.user, part.item, strict=True)}
        for name, part in split.parts().items()
    }
    assert found == {**{name: set(pairs) for name, pairs in PART.items()}, "dropped": set()}
    assert split.fixed


def test_train_and_test_are_enough(tmp_path: Path) -> None:
    folder = write(tmp_path, ".csv", ("train", "test"))
    assert [file.name for file in parts.find(folder)] == ["train.csv", "test.csv"]
    (folder / "test.csv").unlink()
    assert parts.find(folder) == ()
    assert parts.find(tmp_path / "train.csv") == (), "a file is a log like any other"


def test_columns_are_chosen_by_the_reading(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("who,item_id,when\n1,2,5\n")
    reading = Reading(user_column="who", time_column="when")
    found = find_reader(tmp_path, reading)
    assert found is not None
    raw = found[0].scan(found[1], reading)
    assert sorted(raw.columns) == ["item_id", "timestamp", "user_id"]
    assert len(raw.columns["user_id"]) == 2


def test_faults_name_the_file_and_the_line(tmp_path: Path) -> None:
    write(tmp_path, ".csv")
    (tmp_path / "test.csv").write_text("user_id,item_id,timestamp\n1,2,3\n")
    with pytest.raises(UserError, match=r"test.csv: the columns must be those of train.csv \(user_id, item_id\)"):
        parts.scan(parts.find(tmp_path))
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.csv").write_text("user_id,item_id,rating\n1,2,3\n1,3,4\n")
    (tmp_path / "valid.csv").write_text("user_id,item_id,rating\n1,4,5\n1,5,good\n")
    with pytest.raises(UserError, match=r"valid.csv line 3: rating must be a number, got 'good'"):
        dataset_from_path(tmp_path, name="shop", entry=None)


def test_types_must_agree(tmp_path: Path) -> None:
    write(tmp_path, ".parquet")
    pd.DataFrame({"user_id": ["1"], "item_id": ["9"]}).to_parquet(tmp_path / "test.parquet")
    with pytest.raises(
        UserError, match=r"test.parquet: user_id must be of the type it has in .*train.parquet \(int64"
    ):
        parts.scan(parts.find(tmp_path))
    pd.DataFrame({"user_id": [2], "item_id": ["9"]}).astype({"user_id": "int32"}).to_parquet(
        tmp_path / "test.parquet"
    )
    assert dataset_from_path(tmp_path, name="shop", entry=None).users.values.tolist() == [1, 2]
