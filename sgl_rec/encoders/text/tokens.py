"""Texts as ids: what a tokenizer is, and what encoders of its ids share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from sgl_rec.errors import must_be

Pooling: TypeAlias = Literal["mean", "cls"]
"""A text's row: the mean over its tokens, or that of its first one."""


@runtime_checkable
class Tokenizer(Protocol):
    """Texts -> (B, T) ids: each text from the left, padded behind to the longest, cut after ``length`` tokens.

    Args:
        vocabulary_size: ids are below it.
        padding_id: stands behind a text.
        mask_id: stands for a token that is hidden; None where there is none.
        special_ids: of tokens that are no part of a text; the padding and the mask are among them.
        length: the most tokens of a text, special ones included.
    """

    @property
    def vocabulary_size(self) -> int: ...

    @property
    def padding_id(self) -> int: ...

    @property
    def mask_id(self) -> int | None: ...

    @property
    def special_ids(self) -> tuple[int, ...]: ...

    @property
    def length(self) -> int: ...

    def __call__(self, texts: Sequence[str]) -> Int64[Tensor, "B T"]: ...

    def to_json(self) -> str:
        """All that it is, for ``read_tokenizer``."""
        ...


def padded(rows: Sequence[Sequence[int]], *, padding_id: int) -> Int64[Tensor, "B T"]:
    """Rows of ids behind each other, each as long as the longest; at least one column.

    Example:
        >>> padded([[5, 6], [7]], padding_id=0)
        tensor([[5, 6],
                [7, 0]])
    """
    longest = max((len(row) for row in rows), default=0)
    tokens = torch.full((len(rows), max(longest, 1)), padding_id, dtype=torch.int64)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = torch.tensor(row, dtype=torch.int64)
    return tokens


def trimmed(tokens: Int64[Tensor, "B T"], *, padding_id: int) -> Int64[Tensor, "B S"]:
    """Without the last columns that are padding in every row: a batch costs what its longest text does.

    Example:
        >>> trimmed(torch.tensor([[5, 6, 0, 0], [7, 0, 0, 0]]), padding_id=0)
        tensor([[5, 6],
                [7, 0]])
    """
    used = (tokens != padding_id).any(0).nonzero()
    return tokens[:, : int(used.max()) + 1 if len(used) else 1]


def pooled(
    states: Float[Tensor, "B T D"], given: Bool[Tensor, "B T"], *, pooling: Pooling
) -> Float[Tensor, "B D"]:
    """One row a text of a row a token.

    Args:
        given: which tokens are no padding. A text without any has the mean 0.
    """
    if pooling == "cls":
        return states[:, 0]
    weight = given.to(states)[:, :, None]
    return (states * weight).sum(1) / weight.sum(1).clamp(min=1)


def check_vocabulary(where: str, *, vocabulary_size: int, padding_id: int) -> None:
    """Raises: UserError for a vocabulary without words, or a padding outside of it."""
    if vocabulary_size < 2:
        raise must_be(where, "vocabulary_size", "at least 2", vocabulary_size)
    if not 0 <= padding_id < vocabulary_size:
        raise must_be(where, "padding_id", f"at least 0 and below {vocabulary_size}", padding_id)


def check_tokens(where: str, tokens: Int64[Tensor, "B T"], *, vocabulary_size: int) -> None:
    """Raises: UserError for ids of another vocabulary."""
    if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < vocabulary_size:
        got = f"{int(tokens.min())} to {int(tokens.max())}"
        advice = "give it tokens of its own tokenizer"
        raise must_be(where, "ids of tokens", f"at least 0 and below {vocabulary_size}", got, advice)


def check_length(where: str, length: int) -> None:
    """Raises: UserError for texts that may have no word beside a special token at each end."""
    if length < 3:
        raise must_be(where, "length", "at least 3", length)


def check_pooling(where: str, pooling: str) -> None:
    """Raises: UserError for one that is not known."""
    if pooling not in ("mean", "cls"):
        raise must_be(where, "pooling", "mean or cls", repr(pooling))
