from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgl_rec.data.assemble import dataset_from_frame, dataset_from_path
from sgl_rec.data.load import load_dataset
from sgl_rec.data.prepared import write_prepared
from sgl_rec.data.splits import fixed_split, make_split, random_split
from sgl_rec.errors import UserError
from sgl_rec.files import sha256
from sgl_rec.types import Dataset, Interactions, Split


def users_with(*degrees: int) -> Dataset:
    """User u has ``degrees[u]`` items."""
    users = np.repeat(np.arange(len(degrees)), degrees)
    items = np.concatenate([np.arange(degree) for degree in degrees])
    return dataset_from_frame(pd.DataFrame({"user_id": users, "item_id": items, "timestamp": items * 10}))


def pairs(part: Interactions) -> set[tuple[int, int]]:
    return set(zip(part.user.tolist(), part.item.tolist(), strict=True))


def together(split: Split) -> list[tuple[int, int]]:
    return sorted(pair for part in split.parts().values() for pair in pairs(part))


def test_sizes_per_user() -> None:
    degrees = (1, 2, 3, 9, 10, 19, 20, 31)
    data = users_with(*degrees)
    split = random_split(data)
    expected = {0: 0, 1: 0, 2: 1, 3: 1, 4: 1, 5: 1, 6: 2, 7: 3}
    for part in (split.valid, split.test):
        assert Counter(part.user.tolist()) == Counter({user: n for user, n in expected.items() if n})
    assert together(split) == sorted(pairs(data.interactions))
    assert (split.name, split.fixed, split.remove_at_test) == ("random", False, ("train", "valid"))
    assert split.train.timestamp is not None
    assert (split.train.timestamp == split.train.item * 10).all()


def test_the_seed_and_nothing_else_decides() -> None:
    data = users_with(*[30] * 20)
    first = random_split(data, seed=0)
    assert pairs(first.test) == pairs(make_split(data, name="random").test)
    assert pairs(first.test) != pairs(random_split(data, seed=1).test)
    order = np.random.default_rng(0).permutation(len(data.interactions))
    shuffled = replace(data, interactions=data.interactions.take(order))
    assert pairs(first.test) == pairs(random_split(shuffled, seed=0).test)


def test_every_position_is_drawn_alike() -> None:
    """20,000 users of 10 items: each item is the test item of about a tenth of them."""
    counts = random_split(users_with(*[10] * 20_000)).test.item_degree()
    assert counts.sum() == 20_000
    assert np.abs(counts - 2_000).max() < 5 * np.sqrt(2_000 * 0.9)


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


def test_unknown_name(prepared: Path) -> None:
    with pytest.raises(UserError, match=r"\(random, official\), got 'oficial'; did you mean 'official'"):
        make_split(load(prepared), name="oficial")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 1, "train"), ("a", 9, "test")], "an interaction of the data, got user a, item 9"),
        ([("a", 1, "train"), ("z", 1, "test")], "user z, item 1"),
        ([("b", 1, "train"), ("b", 3, "test")], "user b, item 3"),
        ([("a", 1, "train"), ("a", 2, "dev")], "part must be train, valid or test, got 'dev'"),
        ([("a", 1, "train"), ("a", 2, None)], "part must be train"),
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
