from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from sgl_rec.data.assemble import dataset_from_path
from sgl_rec.data.load import load_dataset
from sgl_rec.data.prepared import write_prepared
from sgl_rec.data.split_fixed import HEADER, Drawn, fixed_names, fixed_parts, fixed_split, write_split
from sgl_rec.data.splits import make_split
from sgl_rec.errors import UserError
from sgl_rec.files import sha256
from sgl_rec.types import Dataset
from tests.data.split_logs import pairs


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    rows = [("a", 1, "train"), ("a", 2, "valid"), ("a", 3, "test"), ("b", 1, "train"), ("b", 2, "")]
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "part"])
    write_prepared(tmp_path, frame, splits={"official": frame[frame["part"] != ""]})
    return tmp_path


def load(folder: Path) -> Dataset:
    return dataset_from_path(folder, name="shop", entry=None)


def test_a_published_split(prepared: Path) -> None:
    data = replace(load(prepared), protocols={"official": ("train",)})
    split = fixed_split(data, name="official")
    assert pairs(split.train) == {(0, 0), (1, 0)}
    assert pairs(split.valid) == {(0, 1)}
    assert pairs(split.test) == {(0, 2)}
    assert pairs(split.dropped) == {(1, 1)}, "in no part, yet touched"
    assert (split.fixed, split.remove_at_valid, split.remove_at_test) == (True, ("train",), ("train",))
    assert split.sha256 == sha256(prepared / "split_official.parquet")
    assert fixed_split(load(prepared), name="official").remove_at_test == ("train", "valid")


def test_without_a_validation_part_some_of_train_is_held_out(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(f"0 {' '.join(map(str, range(20)))}\n1 1 2 3\n2 1 2\n")
    (tmp_path / "test.txt").write_text("0 20 21\n1\n2 5\n")
    split = make_split(load(tmp_path), name="standard", seed=7)
    assert Counter(split.valid.user.tolist()) == {0: 2, 1: 1}
    assert pairs(split.test) == {(0, 20), (0, 21), (2, 5)}
    assert len(split.train) == 25 - 3
    assert (split.fixed, split.remove_at_test) == (False, ("train", "valid"))
    assert pairs(split.valid) == pairs(make_split(load(tmp_path), name="standard", seed=7).valid)
    assert pairs(split.valid) != pairs(make_split(load(tmp_path), name="standard", seed=0).valid)


def test_text_and_prepared_form_give_one_split(tmp_path: Path) -> None:
    text, folder = tmp_path / "text", tmp_path / "prepared"
    text.mkdir(), folder.mkdir()
    (text / "train.txt").write_text("5 1 2 3 4\n7 4 5 6\n")
    (text / "test.txt").write_text("7 1\n5 6\n")
    frame = pd.DataFrame({"user_id": [7, 7, 7, 7, 5, 5, 5, 5, 5], "item_id": [1, 4, 5, 6, 6, 1, 2, 3, 4]}).assign(
        part=["test", *["train"] * 3, "test", *["train"] * 4]
    )
    write_prepared(folder, frame, splits={"standard": frame})
    one, other = (make_split(load(path), name="standard") for path in (text, folder))
    assert {name: pairs(part) for name, part in one.parts().items()} == {
        name: pairs(part) for name, part in other.parts().items()
    }


def test_a_pair_in_two_parts_counts_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "train.txt").write_text("0 1 2\n")
    (tmp_path / "test.txt").write_text("0 2 3\n")
    split = make_split(load(tmp_path), name="standard")
    assert (pairs(split.train), pairs(split.test)) == ({(0, 0), (0, 1)}, {(0, 2)})
    assert "1 rows repeat a pair" in caplog.text


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 1, "train"), ("a", 9, "test")], "an interaction of the data, got user a, item 9"),
        ([("a", 1, "train"), ("z", 1, "test")], "user z, item 1"),
        ([("b", 1, "train"), ("b", 3, "test")], "user b, item 3"),
        ([("a", 1, "train"), ("a", 2, "dev")], "part must be train, valid or test, got 'dev'"),
        ([("a", 1, "train"), ("a", 2, None)], "part must be train"),
        ([("a", 1, 0), ("a", 2, 1)], "got 0$"),
        ([("a", 1, "train")], "the test part must be at least one"),
        ([("a", 1, "test")], "the train part must be at least one"),
    ],
)
def test_a_wrong_split_file_is_named(prepared: Path, rows: list[object], message: str) -> None:
    pd.DataFrame(rows, columns=["user_id", "item_id", "part"]).to_parquet(prepared / "split_official.parquet")
    with pytest.raises(UserError, match=rf"split_official.parquet.*{message}"):
        make_split(load(prepared), name="official")


def test_a_damaged_split_file(prepared: Path) -> None:
    data = load(prepared)
    pd.DataFrame({"user_id": [1]}).to_parquet(prepared / "split_official.parquet")
    with pytest.raises(UserError, match="got no item_id"):
        make_split(data, name="official")
    (prepared / "split_official.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="readable Parquet"):
        make_split(data, name="official")


@pytest.mark.data
def test_lightgcnpp(data_root: Path) -> None:
    split = make_split(load_dataset("ml-1m", search=[data_root]), name="lightgcnpp")
    assert [len(part) for part in split.parts().values()] == [590_733, 80_897, 164_848, 0]
    assert (split.fixed, split.remove_at_valid, split.remove_at_test) == (True, ("train",), ("train",))
    assert split.sha256 == sha256(data_root / "ml-1m" / "split_lightgcnpp.parquet")


@pytest.mark.data
def test_gowalla(data_root: Path) -> None:
    split = make_split(load_dataset("gowalla", search=[data_root]), name="standard")
    assert len(split.train) + len(split.valid) == 810_128
    assert (len(split.test), split.fixed) == (217_242, False)


def test_the_names_that_are_there(prepared: Path, tmp_path: Path) -> None:
    assert fixed_names(load(prepared)) == ["official"]
    with pytest.raises(UserError, match=r"cold-items, official\), got 'oficial'; did you mean 'official'"):
        make_split(load(prepared), name="oficial")
    text = tmp_path / "text"
    text.mkdir()
    for part in ("train", "test"):
        (text / f"{part}.txt").write_text(f"0 {1 if part == 'train' else 2}\n")
    assert fixed_names(load(text)) == ["standard"]
    assert fixed_parts(load(text), name="standard").tolist() == [0, 2]


def test_what_this_program_drew_is_read_as_it_was_drawn(prepared: Path) -> None:
    frame = pd.read_parquet(prepared / "split_official.parquet")
    drawn = Drawn(rule="global-time", known_only=True, facts={"valid_from": 7, "timestamp_unit": None})
    write_split(prepared / "split_mine.parquet", frame, drawn=drawn)
    split = make_split(load(prepared), name="mine")
    official = make_split(load(prepared), name="official")
    assert {name: pairs(part) for name, part in split.parts().items()} == {
        name: pairs(part) for name, part in official.parts().items()
    }
    assert (split.fixed, split.known_only, official.fixed, official.known_only) == (False, True, True, False)
    assert split.facts == {"rule": "global-time", "valid_from": 7, "timestamp_unit": None}
    assert split.sha256 == sha256(prepared / "split_mine.parquet")


@pytest.mark.parametrize(
    "header", [b"{", b"[]", b'{"rule": 1}', b'{"rule": "x", "more": 1}', b"\xff", b"[" * 99_999]
)
def test_a_header_that_is_none(prepared: Path, header: bytes) -> None:
    frame = pd.read_parquet(prepared / "split_official.parquet")
    table = pa.Table.from_pandas(frame).replace_schema_metadata({HEADER: header})
    pyarrow.parquet.write_table(table, prepared / "split_official.parquet")
    with pytest.raises(UserError, match=r"split_official.parquet: the header must say how the split was drawn"):
        make_split(load(prepared), name="official")
