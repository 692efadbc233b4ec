from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sgl_rec.encoders.text.library_tokenizer import LibraryTokenizer
from sgl_rec.encoders.text.tokens import Tokenizer
from sgl_rec.errors import MissingDependencyError, UserError


def test_the_ids_of_the_model(model_folder: Path) -> None:
    tokenizer = LibraryTokenizer.of_folder(model_folder, length=5)
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer(["A cat.", "zebra", "a dog sleeps ."]).tolist() == [
        [2, 5, 6, 9, 3],
        [2, 1, 3, 0, 0],
        [2, 5, 7, 8, 3],
    ]
    assert (tokenizer.vocabulary_size, tokenizer.padding_id, tokenizer.mask_id) == (10, 0, 4)
    assert tokenizer.special_ids == (0, 2, 3, 4), "an unknown word is a word"
    assert tokenizer([]).shape == (0, 1)


def test_it_comes_back_from_json(model_folder: Path) -> None:
    tokenizer = LibraryTokenizer.of_folder(model_folder, length=6)
    again = LibraryTokenizer.from_json(tokenizer.to_json(), where="here")
    assert again(["a dog", "a"]).tolist() == tokenizer(["a dog", "a"]).tolist()
    assert (again.special_ids, again.length) == (tokenizer.special_ids, 6)
    for broken in ("{", "{}", tokenizer.to_json().replace('"padding_id": 0', '"padding_id": 10')):
        with pytest.raises(UserError, match="here: "):
            LibraryTokenizer.from_json(broken, where="here")


def test_a_folder_that_has_none(model_folder: Path) -> None:
    path = model_folder / "tokenizer.json"
    content = path.read_text()
    path.write_text(content.replace("[PAD]", "[NIL]"))
    with pytest.raises(UserError, match=r"its special tokens must be one for padding at least, got none"):
        LibraryTokenizer.of_folder(model_folder)
    path.write_text(content[:100])
    with pytest.raises(UserError, match=r"tokenizer\.json: the file must be a whole tokenizer\.json, got "):
        LibraryTokenizer.of_folder(model_folder)
    path.write_text(content)
    (model_folder / "special_tokens_map.json").write_text("{")
    with pytest.raises(UserError, match=r"special_tokens_map\.json: the file must be JSON"):
        LibraryTokenizer.of_folder(model_folder)
    path.unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json: cannot be read"):
        LibraryTokenizer.of_folder(model_folder)


def test_a_tokenizer_without_a_mask(model_folder: Path) -> None:
    path = model_folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text())).replace("[MASK]", "[HIDE]"))
    assert LibraryTokenizer.of_folder(model_folder).mask_id is None


def test_without_the_library(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'sgl-rec\[text\]'"):
        LibraryTokenizer.of_folder(model_folder)
