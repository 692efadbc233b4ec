from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.data.texts.lines import read_lines
from sgl_rec.errors import UserError


def test_blank_lines_are_none_and_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("One.\n \nTwo\0.\n" + "x" * 100_001 + "\n  Three.  ")
    texts = read_lines(path)
    assert texts.text == ("One.", "Three.")
    assert texts.left_out == (
        f"{path}, line 3: the text must be a text, got one with a zero byte",
        f"{path}, line 4: the text must be at most 100000 characters, got more",
    )
    assert texts.other is texts.label is texts.score is None


@pytest.mark.parametrize(
    ("content", "message"), [("", "at least one text, got none"), ("\0\n", "zero byte .and so")]
)
def test_a_file_without_a_text(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(content)
    with pytest.raises(UserError, match=message):
        read_lines(tmp_path / "a.txt")
