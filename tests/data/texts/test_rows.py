from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from sgl_rec.data.texts import rows as module
from sgl_rec.data.texts.rows import LeftOut, Texts, fault_of, number_of, numbered_lines, table_rows
from sgl_rec.errors import UserError


def test_what_is_no_text() -> None:
    assert fault_of("x" * module.MOST_CHARACTERS) is None
    assert fault_of("été 🙂") is None
    assert fault_of("x" * (module.MOST_CHARACTERS + 1)) == ("at most 100000 characters", "more")
    assert fault_of("a\0b") == ("a text", "one with a zero byte")
    assert fault_of("a\udc80") == ("a text", "one with half of a surrogate pair")
    assert fault_of("\t") == ("a text", "an empty one")


@pytest.mark.parametrize(("value", "number"), [(" 4.5 ", 4.5), ("nan", None), ("inf", None), ("x", None)])
def test_numbers_are_finite(value: str, number: float | None) -> None:
    assert number_of(value) == number


def test_every_text_in_whatever_column() -> None:
    assert Texts(("a", "b"), ("c", "d"), ("e", "f")).every() == ("a", "b", "c", "d", "e", "f")
    assert Texts(("a",)).every() == ("a",)


def test_many_rows_that_do_not_count_are_counted() -> None:
    left_out = LeftOut(Path("a.txt"))
    for number in range(103):
        left_out.add(number + 1, "the text", "a text", "an empty one")
    assert left_out.lines()[:1] == ("a.txt, line 1: the text must be a text, got an empty one",)
    assert left_out.lines()[100:] == ("a.txt: 3 more rows are left out",)
    with pytest.raises(UserError, match=r"got an empty one \(and so all 103 rows\); nothing is left to read"):
        left_out.refuse_if_all(0)


def test_lines_end_as_they_like_and_long_ones_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("a\r\n\n  b \rccccccc\nd".encode("utf-16")))
    assert list(numbered_lines(path, encoding=None, most=4)) == [(1, "a"), (3, "b"), (4, "ccccc"), (5, "d")]


def test_files_of_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    (tmp_path / "a.csv").write_text("a\nb\nc\n")
    with pytest.raises(UserError, match=r"a\.csv: the file must be of at most 2 rows, got more"):
        list(table_rows(tmp_path / "a.csv", delimiter=None, quoting=None, encoding=None))
    with pytest.raises(UserError, match="at most 2 rows"):
        list(numbered_lines(tmp_path / "a.csv", encoding=None, most=9))


def test_quotes_are_signs_between_tabs_alone(tmp_path: Path) -> None:
    for name in ("a.csv", "a.tsv"):
        (tmp_path / name).write_text('"a",b\t"c\n')

    def fields(name: str, quoting: str | None = None) -> list[str]:
        return next(table_rows(tmp_path / name, delimiter=None, quoting=quoting, encoding=None))[1]

    assert fields("a.csv") == ["a", 'b\t"c']
    assert fields("a.tsv") == ['"a",b', '"c']
    assert fields("a.csv", "none") == ['"a"', 'b\t"c']


def test_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    path.write_bytes(b"a\xff\n")
    with pytest.raises(UserError, match=r"the delimiter must be said for a file that does not end in \.csv or"):
        list(table_rows(path, delimiter=None, quoting=None, encoding=None))
    with pytest.raises(UserError, match=r"a\.dat, line 1: the file must be UTF-8 text, got byte 0xff"):
        list(numbered_lines(path, encoding=None, most=9))
    with pytest.raises(UserError, match=r"none\.txt: cannot be read"):
        list(numbered_lines(tmp_path / "none.txt", encoding=None, most=9))
    with pytest.raises(UserError, match="--encoding: it must be a known encoding of text, got 'rot13'"):
        list(numbered_lines(path, encoding="rot13", most=9))
