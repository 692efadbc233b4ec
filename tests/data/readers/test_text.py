from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.data.readers.text import line_of_row, read_text, split_lines
from sgl_rec.errors import UserError


def test_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfuser")
    assert read_text(tmp_path / "x") == "user"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b" \n", "an empty file"), (b"a\n\0", "line 2.*zero byte"), (b"a\nb\n\xe9", "line 3.*0xe9")],
)
def test_what_is_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_text(tmp_path / "x")


def test_other_encoding_on_request(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("Léon".encode("latin-1"))
    assert read_text(tmp_path / "x", fallback="latin-1") == "Léon"


@pytest.mark.parametrize("name", ["absent", "."])
def test_unreadable(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_text(tmp_path / name)


def test_fields_without_quoting() -> None:
    table = split_lines('1::"a::\r\n\n2::b::x\n', delimiter="::", names=("u", "i", "r"), required=2, path=Path())
    assert table.to_pandas().to_numpy().tolist() == [["1", '"a', ""], ["2", "b", "x"]]


@pytest.mark.parametrize(("text", "line"), [("1,2\n\n3\n", 3), ("1\n", 1), ("1,2,3,4\n", 1), ("1,2\n1,2,3", 2)])
def test_the_wrong_line_is_named(text: str, line: int) -> None:
    with pytest.raises(UserError, match=rf"f.txt, line {line}: the line must be u,i\[,r\]"):
        split_lines(text, delimiter=",", names=("u", "i", "r"), required=2, path=Path("f.txt"))


def test_rows_are_counted_without_blank_lines() -> None:
    assert line_of_row("a\n\r\nb", 1) == "line 3"
