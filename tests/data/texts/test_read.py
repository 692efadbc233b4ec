from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sgl_rec.data.texts.read import read_texts
from sgl_rec.errors import UserError

TRIPLE = "premise\thypothesis\tlabel\na\tb\tentailment\na\tc\tcontradiction\n"


@pytest.mark.parametrize(
    ("name", "content", "arguments", "text"),
    [
        ("a.txt", "one\ntwo\n", {}, ("one", "two")),
        ("noname", "one\n", {}, ("one",)),
        ("a.CSV", "text,b\none,c\n", {}, ("one",)),
        ("a.csv", "text,b\none,c\n", {"form": "lines"}, ("text,b", "one,c")),
        ("a.txt", TRIPLE, {"form": "nli"}, ("a",)),
        ("a.csv", TRIPLE, {"form": "nli", "delimiter": "tab"}, ("a",)),
        ("a.jsonl", '{"premise": "a", "hypothesis": "b", "label": "entailment"}\n'
                    '{"premise": "a", "hypothesis": "c", "label": "contradiction"}\n', {}, ("a",)),
    ],
)  # fmt: skip
def test_by_its_name_or_as_said(
    tmp_path: Path, name: str, content: str, arguments: dict[str, Any], text: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(content)
    assert read_texts(tmp_path / name, **arguments).text == text


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"label_column": "b"}, "label_column must be left out for lines, got 'b'; or say form = table"),
        ({"columns": ("a",)}, r"columns must be left out for lines, got \('a',\)"),
        ({"delimiter": "tab"}, "delimiter must be left out for lines"),
        ({"form": "nli", "other_column": "b"}, "other_column must be left out for nli"),
    ],
)
def test_what_the_form_has_no_use_for(tmp_path: Path, arguments: dict[str, Any], what: str) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    with pytest.raises(UserError, match=what):
        read_texts(tmp_path / "a.txt", **arguments)
