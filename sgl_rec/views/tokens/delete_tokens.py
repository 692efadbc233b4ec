"""Texts with some words missing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.views.tokens.words import check_rate, drawn, words


def delete_tokens(
    tokens: Int64[Tensor, "B T"],
    *,
    rate: float = 0.1,
    padding_id: int,
    special_ids: Sequence[int],
    generator: torch.Generator,
) -> Int64[Tensor, "B T"]:
    """Take each word alone out with probability ``rate``; those behind move up. A text keeps one word at least.

    Args:
        tokens: texts from the left, padded behind.
        rate: in [0, 1].
        padding_id: fills the end.
        special_ids: of tokens that are no words and stay, the padding among them.

    Raises: UserError for a rate out of range.

    Example:
        >>> texts = torch.tensor([[3, 7, 8, 9, 4, 0]])
        >>> delete_tokens(texts, rate=1.0, padding_id=0, special_ids=(0, 3, 4), generator=torch.Generator())
        tensor([[3, 7, 4, 0, 0, 0]])

    Reference: Wei and Zou, "EDA: Easy Data Augmentation Techniques" (EMNLP 2019), section 2, random deletion.
    """
    check_rate("delete_tokens", rate)
    number = drawn(tokens, generator=generator)
    word = words(tokens, special_ids)
    highest = number.masked_fill(~word, -1.0).argmax(1, keepdim=True)
    deleted = (word & (number < rate)).scatter(1, highest, False)
    # Stable: what is kept stays in its order, before what is deleted.
    order = deleted.long().argsort(dim=1, stable=True)
    return tokens.masked_fill(deleted, padding_id).gather(1, order)
