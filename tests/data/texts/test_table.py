from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.data.texts.table import read_table
from sgl_rec.errors import UserError

STSB: dict[str, Any] = {
    "columns": ("genre", "file", "year", "id", "score", "sentence1", "sentence2"),
    "text_column": "sentence1",
    "other_column": "sentence2",
    "score_column": "score",
    "delimiter": "tab",
}


def test_every_column_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        'sent0,sent1,hard_neg,topic,score\n"A, b",c,d,one,5\ne,f,g\nh,,j,two,1\nk,l,m,two,high\nn,o,p,two,.5\n'
    )
    texts = read_table(
        path,
        text_column="sent0",
        other_column="sent1",
        negative_column="hard_neg",
        label_column="topic",
        score_column="score",
    )
    assert (texts.text, texts.other, texts.negative) == (("A, b", "n"), ("c", "o"), ("d", "p"))
    assert texts.label is not None
    assert texts.score is not None
    assert (texts.label.tolist(), texts.classes) == ([0, 1], ("one", "two"))
    assert texts.score.tolist() == [5.0, 0.5]
    assert texts.left_out == (
        f"{path}, line 3: the row must be of 5 fields as the header, got 3",
        f"{path}, line 4: sent1 must be a text, got an empty one",
        f"{path}, line 5: score must be a number, got 'high'",
    )


def test_the_score_comes_after_texts_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("text\tscore\na\t1\n")
    texts = read_table(path, score_column="score")
    assert torch.equal(texts.score, torch.tensor([1.0]))


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("sentence,topic\na,b\n", {}, "its columns must be one called 'text', got sentence, topic; known: "),
        ("texts\na\n", {}, "did you mean 'texts'?"),
        ("text,text\na,b\n", {}, "its columns must be one called 'text', got 2 of them"),
        ("", {}, "the file must be at least one line, got an empty file"),
        ("text\n", {}, "the file must be at least one text, got none"),
        ("a\n", {"columns": ("text", "b")}, "the row must be of at least 2 fields, got 1 (and so all 1 rows)"),
        ('text\n"a\n', {}, "a quote must be closed"),
    ],
)
def test_what_is_refused(tmp_path: Path, content: str, arguments: dict[str, Any], message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(UserError) as caught:
        read_table(tmp_path / "a.csv", **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.data
@pytest.mark.parametrize(("part", "number"), [("train", 5749), ("dev", 1500), ("test", 1379)])
def test_the_sts_benchmark(data_root: Path, part: str, number: int) -> None:
    texts = read_table(data_root / "stsb" / f"sts-{part}.csv", **STSB)
    assert len(texts) == len(texts.other or ()) == number
    assert not texts.left_out
    assert texts.score is not None
    assert 0 <= float(texts.score.min()) < float(texts.score.max()) == 5


@pytest.mark.parametrize(("sign", "said"), [(";", ";"), ("\t", "tab"), ("|", "|")])
def test_another_delimiter_is_named(sign: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"body{sign}lang\na cat{sign}en\n")
    with pytest.raises(UserError, match=f"say what is between them, as data.delimiter={re.escape(said)}$"):
        read_table(path, text_column="body")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(UserError, match=r"a\.csv: the path must be a file, got a folder"):
        read_table(tmp_path / "a.csv")
