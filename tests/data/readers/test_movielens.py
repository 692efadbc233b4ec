from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.data.readers import movielens
from sgl_rec.data.readers.columns import typed
from sgl_rec.data.reading import Reading
from sgl_rec.errors import UserError


def write(folder: Path, ratings: str) -> Path:
    (folder / "ratings.dat").write_text(ratings, encoding="utf-8")
    return folder


def test_ratings(tmp_path: Path) -> None:
    frame = typed(
        movielens.scan(movielens.find(write(tmp_path, "1::0104257::8::100\r\n10::22::3.5::90\r\n")))
    ).frame()
    assert frame.to_dict("list") == {
        "user_id": [1, 10],
        "item_id": ["0104257", "22"],  # one zero in front keeps the column text
        "rating": [8.0, 3.5],
        "timestamp": [100, 90],
    }


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_titles_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "movies.dat").write_bytes("7::Misérables, Les (1995)::Drama|Musical\n".encode(encoding))
    assert movielens.read_movies(tmp_path / "movies.dat").to_dict("list") == {
        "item_id": ["7"],
        "title": ["Misérables, Les (1995)"],
        "genres": ["Drama|Musical"],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1::2::3::4\n1::2::3\n", "line 2: the line must be user_id::item_id"),
        ("1::2::3::4\n\n5::2::3::soon\n", "line 3: timestamp must be"),
        ("1::2::x::4\n", "line 1: rating must be a number"),
        ("1,2,3,4\n", "line 1: the line must be"),
    ],
)
def test_the_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"ratings.dat, {message}"):
        typed(movielens.scan(movielens.find(write(tmp_path, text)))).frame()


def test_a_header_and_what_it_cannot_follow_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ratings.dat: the first line must be ids"):
        movielens.scan(movielens.find(write(tmp_path, "UserID::ItemID\n1::2\n")))
    files = movielens.find(write(tmp_path, "1::2\n"))
    with pytest.raises(UserError, match=r"--min-rating must be for data with a rating"):
        movielens.scan(files, Reading(min_rating=4))
    assert "rating" in movielens.scan(movielens.find(write(tmp_path, "1::2::3\n")), Reading(min_rating=4)).columns
