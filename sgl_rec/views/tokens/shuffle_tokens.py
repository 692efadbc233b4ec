"""Texts with some words in each other's place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.views.tokens.words import check_rate, drawn, words


def shuffle_tokens(
    tokens: Int64[Tensor, "B T"], *, rate: float = 0.1, special_ids: Sequence[int], generator: torch.Generator
) -> Int64[Tensor, "B T"]:
    """Choose each word alone with probability ``rate``; the chosen ones of a text change places at random.

    Args:
        tokens: texts from the left, padded behind.
        rate: in [0, 1].
        special_ids: of tokens that are no words and stay, the padding among them.

    Raises: UserError for a rate out of range.

    Example:
        >>> texts = torch.tensor([[3, 7, 8, 9, 4, 0]])
        >>> shuffle_tokens(texts, rate=1.0, special_ids=(0, 3, 4), generator=torch.Generator().manual_seed(0))
        tensor([[3, 8, 9, 7, 4, 0]])

    Reference: Yan et al., "ConSERT" (ACL 2021), section 3.2, token shuffling. Difference: theirs shuffles all.
    """
    check_rate("shuffle_tokens", rate)
    chosen = words(tokens, special_ids) & (drawn(tokens, generator=generator) < rate)
    place = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
    # Both orders have the chosen ones first, one by their places and one at random, and then the others alike.
    behind = place + 1
    into = torch.where(chosen, 0, behind).argsort(dim=1, stable=True)
    out_of = torch.where(chosen, drawn(tokens, generator=generator), behind.float()).argsort(dim=1, stable=True)
    return tokens.scatter(1, into, tokens.gather(1, out_of))
