from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from sgl_rec.encoders.text.small_transformer import SmallTransformer
from sgl_rec.errors import UserError

TOKENS = torch.tensor([[3, 4, 5, 0], [3, 0, 0, 0]])


def encoder(**values: Any) -> SmallTransformer:
    chosen = {"width": 8, "num_heads": 2, **values}
    return SmallTransformer(9, 0, **chosen, generator=torch.Generator().manual_seed(0))


def by_hand(model: SmallTransformer, row: Tensor) -> Tensor:
    """The mean over the tokens of one text without padding."""
    x = model.norm(model.token.weight[row] + model.place.weight[: len(row)])
    for block in model.blocks:
        mixed = x @ block.self_attn.in_proj_weight.T + block.self_attn.in_proj_bias
        heads = []
        for head in (slice(0, 4), slice(4, 8)):
            query, key, value = (part[:, head] for part in mixed.split(8, dim=1))
            heads.append(functional.softmax(query @ key.T / math.sqrt(4), dim=1) @ value)
        y = block.norm1(x + block.self_attn.out_proj(torch.cat(heads, 1)))
        x = block.norm2(y + block.linear2(functional.gelu(block.linear1(y))))
    return x.mean(0)


def test_the_blocks_by_hand() -> None:
    model = encoder().double().eval()
    with torch.no_grad():
        fast = model(TOKENS)
    rows = model(TOKENS)
    torch.testing.assert_close(fast, rows, msg="with and without gradients")
    for row, text in zip(rows, (TOKENS[0, :3], TOKENS[1, :1]), strict=True):
        torch.testing.assert_close(row, by_hand(model, text))


def test_two_passes_are_two_views_in_training_alone() -> None:
    model = encoder(pooling="cls")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.equal(model(TOKENS), model(TOKENS))
    model.eval()
    assert torch.equal(model(TOKENS), model(TOKENS))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"num_heads": 3}, "num_heads must be a divisor of the width 8, got 3"),
        ({"hidden_dim": 0}, "hidden_dim must be at least 1, got 0"),
        ({"drop_rate": -0.1}, r"drop_rate must be in \[0, 1\), got -0.1"),
        ({"length": 2}, "length must be at least 3, got 2"),
    ],
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"SmallTransformer: {message}"):
        encoder(**values)


def test_longer_texts_than_it_has_places_for() -> None:
    model = encoder(length=3)
    assert model(torch.tensor([[3, 4, 5, 0]])).shape == (1, 8)
    with pytest.raises(UserError, match="tokens of a text must be at most 3, got 4; raise length"):
        model(torch.tensor([[3, 4, 5, 6]]))
