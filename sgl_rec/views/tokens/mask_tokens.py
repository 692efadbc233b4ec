"""Texts with some words hidden."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.views.tokens.words import check_rate, drawn, words


def mask_tokens(
    tokens: Int64[Tensor, "B T"],
    *,
    rate: float = 0.15,
    mask_id: int | None,
    special_ids: Sequence[int],
    generator: torch.Generator,
) -> Int64[Tensor, "B T"]:
    """Put the mask in place of each word alone with probability ``rate``.

    Args:
        tokens: texts from the left, padded behind.
        rate: in [0, 1].
        mask_id: of the token that stands for a hidden one.
        special_ids: of tokens that are no words and stay, the padding among them.

    Raises: UserError for a rate out of range, and for a tokenizer without a mask.

    Example:
        >>> texts = torch.tensor([[3, 7, 8, 0]])
        >>> mask_tokens(texts, rate=1.0, mask_id=2, special_ids=(0, 2, 3), generator=torch.Generator())
        tensor([[3, 2, 2, 0]])

    Reference: Wu et al., "CLEAR: Contrastive Learning for Sentence Representation" 2020 (arXiv:2012.15466),
    section 3.2, whose word deletion puts a token in the place of what it deletes. Difference: words that follow
    one another are not made one mask.
    """
    check_rate("mask_tokens", rate)
    if mask_id is None:
        raise must_be(
            "mask_tokens", "mask_id", "that of a token", "none", "leave this view out for this tokenizer"
        )
    hidden = words(tokens, special_ids) & (drawn(tokens, generator=generator) < rate)
    return tokens.masked_fill(hidden, mask_id)
