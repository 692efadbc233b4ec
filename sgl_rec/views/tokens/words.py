"""What views of tokens share: which tokens are words of a text, and a draw for each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from sgl_rec.errors import must_be


def words(tokens: Int64[Tensor, "B T"], special_ids: Sequence[int]) -> Bool[Tensor, "B T"]:
    """Which tokens are none of the special ones.

    Example:
        >>> words(torch.tensor([[101, 7, 102, 0]]), (0, 101, 102))
        tensor([[False,  True, False, False]])
    """
    special = torch.tensor(list(special_ids), dtype=torch.int64, device=tokens.device)
    return ~torch.isin(tokens, special)


def drawn(tokens: Int64[Tensor, "B T"], *, generator: torch.Generator) -> Float[Tensor, "B T"]:
    """A number in [0, 1) for each token, drawn on the generator's device."""
    return torch.rand(tokens.shape, generator=generator, device=generator.device).to(tokens.device)


def check_rate(where: str, rate: float) -> None:
    """Raises: UserError unless ``rate`` is in [0, 1]."""
    if not 0 <= rate <= 1:
        raise must_be(where, "rate", "in [0, 1]", rate)
