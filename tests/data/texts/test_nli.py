from __future__ import annotations

import json
from pathlib import Path

import pytest

from sgl_rec.data.texts.nli import read_nli
from sgl_rec.errors import UserError

ROWS = [
    ("A man sings.", "A man makes music.", "entailment"),
    ("A man sings.", "Nobody sings.", "contradiction"),
    ("A cat sleeps.", "An animal rests.", "entailment"),
    ("A man sings.", "Someone is heard.", "entailment"),
    ("A man sings.", "He is a tenor.", "neutral"),
    ("A man sings.", "He is silent.", "contradiction"),
    ("A man sings.", "There is a song.", "entailment"),
    ("A man sings.", "A man makes music.", "entailment"),
    ("A dog runs.", "A dog is still.", "contradiction"),
    ("A dog runs.", "A dog.", "-"),
]


def as_jsonl(path: Path) -> Path:
    names = ("sentence1", "sentence2", "gold_label")
    extra = {"sentence1_parse": "(ROOT)", "annotator_labels": ["neutral"]}
    path.write_text("".join(json.dumps(dict(zip(names, row, strict=True)) | extra) + "\n" for row in ROWS))
    return path


def as_table(path: Path, header: str, delimiter: str) -> Path:
    path.write_text(header + "\n" + "".join(delimiter.join(row) + "\n" for row in ROWS))
    return path


@pytest.fixture(params=["a.jsonl", "a.csv", "a.txt"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    if path.suffix == ".jsonl":
        return as_jsonl(path)
    if path.suffix == ".csv":
        return as_table(path, "premise,hypothesis,label", ",")
    return as_table(path, "sentence1\tsentence2\tgold_label", "\t")


def test_entailments_take_contradictions_in_turn(path: Path) -> None:
    texts = read_nli(path)
    assert texts.text == ("A man sings.",) * 3
    assert texts.other == ("A man makes music.", "Someone is heard.", "There is a song.")
    assert texts.negative == ("Nobody sings.", "He is silent.", "Nobody sings.")
    assert texts.left_out == (
        f"{path}: 1 neutral pairs are left out",
        f"{path}: 1 pairs without a label that people agreed on are left out",
        f"{path}: 2 premises without an entailment or without a contradiction are left out",
    )


def test_rows_that_do_not_count_are_named(tmp_path: Path) -> None:
    path = as_jsonl(tmp_path / "a.jsonl")
    bad = ["{", "[1]", '{"premise": "a", "hypothesis": 3, "label": "neutral"}', "[" * 100_000,
           '{"premise": "a", "hypothesis": "b", "label": "0"}',
           '{"premise": "a", "hypothesis": "\\ud800", "label": "entailment"}']  # fmt: skip
    path.write_text(path.read_text() + "\n".join(bad))
    lines = [line.removeprefix(f"{path}, ") for line in read_nli(path).left_out[:6]]
    assert lines[0] == "line 11: the line must be an object of JSON, got '{'"
    assert lines[2].startswith(
        "line 13: the line must be an object with sentence1, sentence2, gold_label or premise"
    )
    assert lines[3].startswith("line 14: the line must be an object of JSON, got '[[[")
    assert lines[4] == "line 15: the label must be entailment, contradiction or one of neutral, -, got '0'"
    assert lines[5] == "line 16: the text must be a text, got one with half of a surrogate pair"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "a,b\nc,d\n", "its columns must be one called 'sentence1', got a, b"),
        (
            "a.csv",
            "premise,hypothesis,label\na,b,neutral\n",
            "one premise with an entailment and a contradiction",
        ),
        (
            "a.csv",
            "premise,hypothesis,label\na,b\n",
            r"the row must be of 3 fields .* got 2 \(and so all 1 rows\)",
        ),
        ("a.jsonl", "", "the file must be at least one text, got none"),
    ],
)
def test_a_file_without_a_triple(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message):
        read_nli(tmp_path / name)
