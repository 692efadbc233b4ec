from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgl_rec.data.readers import delimited
from sgl_rec.errors import UserError


def read(path: Path, text: str) -> dict[str, list[object]]:
    path.write_text(text, encoding="utf-8")
    return delimited.read(delimited.find(path)).to_dict("list")


def test_order_of_columns_and_others(tmp_path: Path) -> None:
    text = 'item_id,note,rating,user_id,timestamp\n3,"a, ""b""\nc",4.5,10,100\n\n4,,3,NA,200\n'
    assert read(tmp_path / "x.csv", text) == {
        "user_id": ["10", "NA"],
        "item_id": [3, 4],
        "rating": [4.5, 3.0],
        "timestamp": [100, 200],
    }


def test_tabs_and_a_folder(tmp_path: Path) -> None:
    read(tmp_path / "interactions.tsv", "user_id\titem_id\r\n1\t2\r\n")
    assert delimited.read(delimited.find(tmp_path)).to_dict("list") == {"user_id": [1], "item_id": [2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("user_id,item_id\n", "at least one interaction"),
        ("user_id;item_id\n1;2\n", r"columns must be .* got 'user_id;item_id'"),
        ("user,item\n1,2\n", r"got 'user', 'item'"),
        ("user_id,item_id\n1,2\n\n3\n", "line 4: the line must be 2 fields"),
        ("user_id,item_id\n1,2\n3,4,5\n", "line 3: the line must be 2 fields"),
        ('user_id,item_id,n\n1,2,"a\nb"\n\n,4,c\n', "line 5: user_id must be given"),
        ("user_id,item_id,rating\n1,2,good\n", "line 2: rating must be a number"),
    ],
)
def test_the_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path / "x.csv", text)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"user_id,item_id\n1,2\n" + tail)))
def test_garbage_is_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("garbage") / "x.csv"
    path.write_bytes(content)
    with contextlib.suppress(UserError):
        assert len(delimited.read([path]))


def test_a_quote_that_is_never_closed_is_named_by_its_line(tmp_path: Path) -> None:
    rows = [f"{user},{user % 7}" for user in range(50)]
    rows[9] = '9,"2'
    with pytest.raises(UserError, match=r"up to line 51: item_id must be on one line.*close the quote"):
        read(tmp_path / "x.csv", "\n".join(["user_id,item_id", *rows]))


def test_blanks_around_an_id_are_no_part_of_it(tmp_path: Path) -> None:
    text = "user_id,item_id\n  3 , 5\n3,a b \n"
    assert read(tmp_path / "x.csv", text) == {"user_id": [3, 3], "item_id": ["5", "a b"]}
