from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.encoders.text.tokenizer import make_tokenizer, read_tokenizer
from sgl_rec.errors import UserError

TEXTS = ["A cat sleeps.", "a dog"]


@pytest.mark.parametrize("name", ["words", "characters", "folder"])
def test_by_its_name_and_back(name: str, model_folder: Path) -> None:
    tokenizer = make_tokenizer(str(model_folder) if name == "folder" else name, TEXTS, length=8)
    tokens = tokenizer(TEXTS)
    assert tokens.shape[0] == 2
    assert tokens.shape[1] <= 8
    assert read_tokenizer(tokenizer.to_json(), where="here")(TEXTS).tolist() == tokens.tolist()
    assert int(tokens.max()) < tokenizer.vocabulary_size
    assert tokenizer.padding_id in tokenizer.special_ids


@pytest.mark.usefixtures("minilm_package")
def test_the_packaged_one() -> None:
    tokenizer = make_tokenizer("minilm", (), length=6)
    assert tokenizer(["A plane is taking off."]).tolist() == [[101, 1037, 4946, 2003, 2635, 102]]
    assert (tokenizer.vocabulary_size, tokenizer.mask_id) == (30522, 103)


def test_names_and_files_that_are_none() -> None:
    with pytest.raises(
        UserError, match=r"it must be words, characters, minilm, hub:OWNER/MODEL or a folder .* got 'wrods'"
    ):
        make_tokenizer("wrods", TEXTS)
    for text in ("", "[1]", '{"kind": "other"}', '{"kind": []}'):
        with pytest.raises(
            UserError, match="here: the tokenizer must be one of kind vocabulary or library, got "
        ):
            read_tokenizer(text, where="here")
