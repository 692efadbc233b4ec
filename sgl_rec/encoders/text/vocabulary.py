"""A tokenizer that is learnt from the texts: words or characters, those that stand most often."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from jaxtyping import Int64
from torch import Tensor

from sgl_rec.encoders.text.tokens import check_length, padded
from sgl_rec.errors import UserError, must_be

WORD = re.compile(r"\w+|[^\w\s]")
"""Letters and digits that stand together, or any one other sign."""
KIND = "vocabulary"
PADDING, UNKNOWN, MASK, START = range(4)
"""The first ids. Every text begins with ``START``, so that none is without a token."""
NUM_SPECIAL = 4


class VocabularyTokenizer:
    """The ids of known words, or characters, of a text in small letters (after Unicode's NFKC).

    Args:
        words: known ones, the first has id 4.
        level: what a token is, ``word`` or ``character``.
        length: the most tokens of a text, the one at its start included; at least 3.

    Raises: UserError for values out of these ranges.

    Example:
        >>> tokenizer = VocabularyTokenizer.learnt(["A cat. A dog!"], level="word", vocabulary_size=7, length=8)
        >>> tokenizer.words
        ('a', '!', '.')
        >>> tokenizer(["A cat.", "a"])
        tensor([[3, 4, 1, 6],
                [3, 4, 0, 0]])
    """

    padding_id = PADDING
    mask_id: int | None = MASK
    special_ids = (PADDING, MASK, START)

    def __init__(self, words: Sequence[str], *, level: Literal["word", "character"], length: int) -> None:
        if level not in ("word", "character"):
            raise must_be("tokenizer", "level", "word or character", repr(level))
        check_length("tokenizer", length)
        self.words, self.level, self._length = tuple(words), level, length
        self._index = {word: index for index, word in enumerate(self.words, start=NUM_SPECIAL)}
        if len(self._index) != len(self.words):
            raise must_be("tokenizer", "words", "distinct", "one twice")

    @classmethod
    def learnt(
        cls,
        texts: Sequence[str],
        *,
        level: Literal["word", "character"] = "word",
        vocabulary_size: int = 30_000,
        length: int = 64,
    ) -> VocabularyTokenizer:
        """With the words that stand most often in ``texts``, and where they do as often the first by alphabet.

        Args:
            vocabulary_size: at most so many ids, the four special ones included.
        """
        if vocabulary_size <= NUM_SPECIAL:
            raise must_be("tokenizer", "vocabulary_size", f"above {NUM_SPECIAL}", vocabulary_size)
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_split(text, level))
        by_count = sorted(counts, key=lambda word: (-counts[word], word))
        return cls(by_count[: vocabulary_size - NUM_SPECIAL], level=level, length=length)

    @classmethod
    def from_json(cls, text: str, *, where: str) -> VocabularyTokenizer:
        """Raises: UserError for what ``to_json`` has not made."""
        try:
            values = json.loads(text)
            words, level, length = values["words"], values["level"], values["length"]
            if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
                raise must_be(where, "words", "a list of texts", type(words).__name__)
            return cls(words, level=level, length=int(length))
        except UserError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise must_be(where, "the tokenizer", "one that was saved", f"{type(error).__name__}") from error

    @property
    def vocabulary_size(self) -> int:
        return NUM_SPECIAL + len(self.words)

    @property
    def length(self) -> int:
        return self._length

    def __call__(self, texts: Sequence[str]) -> Int64[Tensor, "B T"]:
        most = self.length - 1
        found = [
            [START, *(self._index.get(word, UNKNOWN) for word in _split(text, self.level)[:most])]
            for text in texts
        ]
        return padded(found, padding_id=PADDING)

    def to_json(self) -> str:
        values = {"kind": KIND, "level": self.level, "length": self.length, "words": self.words}
        return json.dumps(values, ensure_ascii=False)


def _split(text: str, level: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).lower()
    return WORD.findall(plain) if level == "word" else list(" ".join(plain.split()))
