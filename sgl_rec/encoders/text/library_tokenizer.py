"""A tokenizer that came with a model: its ``tokenizer.json``, by the library ``tokenizers``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.encoders.text.tokens import check_length
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.extras import needed

WHERE = "tokenizer"
KIND = "library"
FILE = "tokenizer.json"
BESIDE = ("special_tokens_map.json", "tokenizer_config.json")
"""Files of a folder that say what its special tokens are called."""
KNOWN = {"pad_token": ("[PAD]", "<pad>"), "mask_token": ("[MASK]", "<mask>"), "unk_token": ("[UNK]", "<unk>")}
"""What they are called where no file says so."""


class LibraryTokenizer:
    """The ids that a model was trained on.

    Args:
        definition: the text of a ``tokenizer.json``.
        padding_id, mask_id: of its special tokens.
        special_ids: all of them, but for the one that stands for unknown words.
        length: the most tokens of a text, special ones included; at least 3.
        where: whose it is, for messages.

    Raises: UserError for a definition that is none, MissingDependencyError without the library.
    """

    def __init__(
        self,
        definition: str,
        *,
        padding_id: int,
        mask_id: int | None,
        special_ids: Sequence[int],
        length: int,
        where: str = WHERE,
    ) -> None:
        check_length(WHERE, length)
        self._library = _parsed(definition, where)
        self.padding_id, self.mask_id, self.length = padding_id, mask_id, length
        self.special_ids = tuple(special_ids)
        self.vocabulary_size = int(self._library.get_vocab_size(with_added_tokens=True))
        for number in (padding_id, *self.special_ids, *(() if mask_id is None else (mask_id,))):
            if not 0 <= number < self.vocabulary_size:
                raise must_be(where, "ids of special tokens", f"below {self.vocabulary_size}", number)
        # The file's own can be to a fixed length, or to another one than was asked for.
        self._library.enable_truncation(max_length=length)
        self._library.enable_padding(pad_id=padding_id, pad_token=self._library.id_to_token(padding_id))

    @classmethod
    def of_folder(cls, folder: Path, *, length: int = 128) -> LibraryTokenizer:
        """The ``tokenizer.json`` of a model's folder, and what is said beside it of its special tokens.

        Raises: UserError without such a file, for a damaged one, and for one without a token for padding.
        """
        path = folder / FILE
        definition = _text_of(path)
        names = _names(folder)
        library = _parsed(definition, str(path))
        ids = {role: _id_of(library, names.get(role), known) for role, known in KNOWN.items()}
        if (padding_id := ids["pad_token"]) is None:
            raise must_be(str(path), "its special tokens", "one for padding at least", "none", "add pad_token")
        special = {
            token["id"] for token in json.loads(definition).get("added_tokens", ()) if token.get("special")
        }
        special |= {number for number in ids.values() if number is not None}
        return cls(
            definition,
            padding_id=padding_id,
            mask_id=ids["mask_token"],
            special_ids=sorted(special - {ids["unk_token"]}),
            length=length,
            where=str(path),
        )

    @classmethod
    def from_json(cls, text: str, *, where: str) -> LibraryTokenizer:
        """Raises: UserError for what ``to_json`` has not made."""
        try:
            values = json.loads(text)
            arguments = {name: values[name] for name in ("padding_id", "mask_id", "special_ids", "length")}
            return cls(values["definition"], **arguments, where=where)
        except UserError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise must_be(where, "the tokenizer", "one that was saved", f"{type(error).__name__}") from error

    def __call__(self, texts: Sequence[str]) -> Int64[Tensor, "B T"]:
        if not texts:
            return torch.empty(0, 1, dtype=torch.int64)
        found = self._library.encode_batch(list(texts))
        tokens = torch.tensor([one.ids for one in found], dtype=torch.int64)
        return tokens if tokens.shape[1] else torch.full((len(found), 1), self.padding_id)

    def to_json(self) -> str:
        values = {
            "kind": KIND,
            "padding_id": self.padding_id,
            "mask_id": self.mask_id,
            "special_ids": self.special_ids,
            "length": self.length,
            "definition": self._library.to_str(),
        }
        return json.dumps(values, ensure_ascii=False)


def _parsed(definition: str, where: str) -> Any:
    library = needed(WHERE, "tokenizers").Tokenizer
    try:
        return library.from_str(definition)
    except Exception as error:  # the library raises Exception itself
        raise must_be(where, "the file", f"a whole {FILE}", one_line(error)[:200]) from error


def _id_of(library: Any, name: str | None, known: Iterable[str]) -> int | None:
    for candidate in (name, *known):
        if candidate is not None and (number := library.token_to_id(candidate)) is not None:
            return int(number)
    return None


def _names(folder: Path) -> dict[str, str]:
    """What the special tokens are called: as text, or as an object with its ``content``."""
    names: dict[str, str] = {}
    for file in BESIDE:
        if not (folder / file).is_file():
            continue
        try:
            values = json.loads(_text_of(folder / file))
        except ValueError as error:
            raise must_be(str(folder / file), "the file", "JSON", one_line(error)) from error
        for role in KNOWN if isinstance(values, Mapping) else ():
            value = values.get(role)
            content = value.get("content") if isinstance(value, Mapping) else value
            if isinstance(content, str):
                names.setdefault(role, content)
    return names


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UserError(f"{path}: cannot be read ({one_line(error)}); check the file") from error
