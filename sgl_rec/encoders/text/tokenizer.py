"""A tokenizer by its name, and one that was saved."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from sgl_rec.encoders.text import library_tokenizer, vocabulary
from sgl_rec.encoders.text.hub import HUB, model_folder
from sgl_rec.encoders.text.library_tokenizer import LibraryTokenizer
from sgl_rec.encoders.text.minilm import minilm_folder
from sgl_rec.encoders.text.tokens import Tokenizer
from sgl_rec.encoders.text.vocabulary import VocabularyTokenizer
from sgl_rec.errors import must_be

LEARNT = {
    "words": partial(VocabularyTokenizer.learnt, level="word"),
    "characters": partial(VocabularyTokenizer.learnt, level="character"),
}
PACKAGED: dict[str, Callable[[], Path]] = {"minilm": minilm_folder}
SAVED: dict[str, Callable[..., Tokenizer]] = {
    vocabulary.KIND: VocabularyTokenizer.from_json,
    library_tokenizer.KIND: LibraryTokenizer.from_json,
}


def make_tokenizer(
    name: str, texts: Sequence[str], *, vocabulary_size: int = 30_000, length: int = 64
) -> Tokenizer:
    """The tokenizer of that name.

    Args:
        name: ``words`` or ``characters``, learnt from ``texts``; ``minilm``, as its packaged weights know them;
            a folder with a ``tokenizer.json``; or ``hub:OWNER/MODEL@REVISION`` (``hub.model_folder``).
        vocabulary_size: the most ids of one that is learnt.
        length: the most tokens of a text.

    Raises: UserError for a name that is none of these, MissingDependencyError for one that is not installed.

    Example:
        >>> make_tokenizer("words", ["a cat", "a dog"])(["a dog"])
        tensor([[3, 4, 6]])
    """
    if name in LEARNT:
        return LEARNT[name](texts, vocabulary_size=vocabulary_size, length=length)
    folder = PACKAGED[name]() if name in PACKAGED else model_folder(name, where="tokenizer")
    if not folder.is_dir():
        rule = f"{', '.join((*LEARNT, *PACKAGED))}, {HUB}OWNER/MODEL or a folder with a {library_tokenizer.FILE}"
        raise must_be("tokenizer", "it", rule, repr(name), "check the path")
    return LibraryTokenizer.of_folder(folder, length=length)


def read_tokenizer(text: str, *, where: str) -> Tokenizer:
    """What ``Tokenizer.to_json`` made.

    Args:
        where: the file it stood in, for messages.

    Raises: UserError for anything else.

    Example:
        >>> tokenizer = make_tokenizer("characters", ["abc"])
        >>> read_tokenizer(tokenizer.to_json(), where="here")(["cab"])
        tensor([[3, 6, 4, 5]])
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    kind = values.get("kind") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in SAVED:
        raise must_be(where, "the tokenizer", f"one of kind {' or '.join(SAVED)}", repr(kind), "restore the file")
    return SAVED[kind](text, where=where)
