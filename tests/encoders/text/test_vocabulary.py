from __future__ import annotations

import json

import pytest

from sgl_rec.encoders.text.tokens import Tokenizer
from sgl_rec.encoders.text.vocabulary import VocabularyTokenizer
from sgl_rec.errors import UserError


def learnt(*texts: str, **arguments: object) -> VocabularyTokenizer:
    return VocabularyTokenizer.learnt(texts, **arguments)  # type: ignore[arg-type]


def test_the_words_that_stand_most_often() -> None:
    tokenizer = learnt("B a! B", "c a b", vocabulary_size=7)
    assert isinstance(tokenizer, Tokenizer)
    assert tokenizer.words == ("b", "a", "!")
    assert tokenizer(["a ﬁ B"]).tolist() == [[3, 5, 1, 4]]
    assert (tokenizer.vocabulary_size, tokenizer.padding_id, tokenizer.mask_id) == (7, 0, 2)


def test_characters_with_one_blank_between_words() -> None:
    tokenizer = learnt("a  b", level="character", length=4)
    assert tokenizer.words == (" ", "a", "b")
    assert tokenizer(["b \t ab", ""]).tolist() == [[3, 6, 4, 5], [3, 0, 0, 0]]


def test_it_comes_back_from_json() -> None:
    tokenizer = learnt('Ein Käfig, "zwei"', length=9)
    again = VocabularyTokenizer.from_json(tokenizer.to_json(), where="here")
    assert (again.words, again.level, again.length) == (tokenizer.words, "word", 9)


def test_what_is_refused() -> None:
    with pytest.raises(UserError, match="vocabulary_size must be above 4, got 4"):
        learnt("a", vocabulary_size=4)
    with pytest.raises(UserError, match="length must be at least 3, got 2"):
        learnt("a", length=2)
    for broken in ("{", "[]", "{}", '{"words": "ab", "level": "word", "length": 4}',
                   '{"words": ["a", "a"], "level": "word", "length": 4}',
                   json.dumps({"words": [], "level": "syllable", "length": 4})):  # fmt: skip
        with pytest.raises(UserError):
            VocabularyTokenizer.from_json(broken, where="here")
