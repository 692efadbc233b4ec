from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sgl_rec.cli.reading import READING
from sgl_rec.cli.train import train
from sgl_rec.config import Data
from sgl_rec.data.reading import QUOTING, Reading
from sgl_rec.errors import UserError


def test_settings_options_and_the_record_have_the_same_names_and_defaults() -> None:
    names = {field.name for field in fields(Reading)} - {"item_text"}  # which is of [content]
    assert names == set(READING)
    own = {"dataset", "split", "split_seed", "valid_share", "test_share"}
    assert names <= set(Data.model_fields) - own
    assert all(getattr(Data(), name) is None is getattr(Reading(), name) for name in names)
    choice = next(option.type for option in train.params if option.name == "quoting")
    for word in QUOTING:
        assert Data(quoting=word).quoting == choice(word) == Reading(quoting=word).quoting == word  # type: ignore[arg-type]


def test_names_are_not_guessed() -> None:
    with pytest.raises(UserError) as caught:
        Reading().choose(["userId", "item_id"], where="shop.csv")
    assert str(caught.value) == (
        "shop.csv: columns must have 'user_id', got 'userId', 'item_id'; did you mean 'userId'? "
        "say which it is with --user-column NAME"
    )
    with pytest.raises(UserError, match=r"must have 'CustomerId'.*did you mean 'CustomerID'.*--user-column"):
        Reading(user_column="CustomerId").choose(["CustomerID", "item_id"], where="x")
    with pytest.raises(UserError, match="'rating' twice"):
        Reading().choose(["user_id", "item_id", "rating", "rating"], where="x")


def test_what_is_asked_for_must_be_there() -> None:
    header = ["user_id", "item_id", "weight", "title"]
    assert list(Reading().choose(header, where="x")) == ["user_id", "item_id"]
    assert list(Reading(weight_column="weight").choose(header, where="x")) == ["user_id", "item_id", "weight"]
    for reading, option in (
        (Reading(time_column="when"), "--time-column"),
        (Reading(min_rating=3), "--rating-column"),
        (Reading(title_column="name"), "--title-column"),
    ):
        with pytest.raises(UserError, match=option):
            reading.choose(header, where="x")
    assert Reading(title_column="name", items="items.csv").choose(header, where="x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": "::"},
        {"delimiter": ""},
        {"delimiter": "é"},
        {"encoding": "utf-9"},
        {"encoding": "hex"},
        {"encoding": "rot13"},
        {"encoding": "base64"},
        {"encoding": "zlib"},
        {"encoding": "punycode"},
        {"encoding": "undefined"},
        {"quoting": "no"},
    ],
)
def test_a_wrong_word_is_told_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(UserError, match=f"--{next(iter(wrong))}: it must be"):
        Reading(**wrong)  # type: ignore[arg-type]


def test_delimiters_that_a_shell_makes_hard_to_write() -> None:
    assert [Reading(delimiter=word).separator for word in ("tab", "\\t", "\t", ";")] == ["\t", "\t", "\t", ";"]


def test_excluded_ids_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("a,b\n\n c \n")
    assert Reading(exclude_items=("x", f"@{tmp_path / 'out.txt'}")).excluded() == ["x", "a,b", "c"]
    with pytest.raises(UserError, match=r"--exclude-items: .*absent cannot be read"):
        Reading(exclude_items=(f"@{tmp_path / 'absent'}",)).excluded()
