from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.encoders.text.module import TextModule
from sgl_rec.errors import UserError

TOKENS = torch.tensor([[3, 4, 5, 0, 0], [8, 0, 0, 0, 0]])


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("record", [False, True])
def test_a_row_a_token_is_averaged_over_the_text(pooling: Any, record: bool) -> None:
    table = nn.Embedding(9, 5)

    def states(tokens: Tensor) -> Any:
        assert tokens.shape[1] <= 3, "without columns of padding"
        return SimpleNamespace(last_hidden_state=table(tokens)) if record else table(tokens)

    encoder = TextModule(states, 9, 0, pooling=pooling)
    assert encoder.embedding_dim == 5
    expected = table(TOKENS[0, :3]).mean(0) if pooling == "mean" else table(TOKENS[0, 0])
    torch.testing.assert_close(encoder(TOKENS)[0], expected)
    torch.testing.assert_close(encoder(TOKENS)[1], table(TOKENS[1, 0]))


def test_a_row_a_text_stays() -> None:
    module = nn.EmbeddingBag(9, 4)
    encoder = TextModule(module, 9, 0)
    assert module.training
    assert torch.equal(encoder(TOKENS[:, :3]), module(TOKENS[:, :3]))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda tokens: tokens.sum(), r"what the module returns must be .* got shape \(\)"),
        (lambda tokens: "rows", "what the module returns must be .* got str"),
        (lambda tokens: torch.ones(1, 4), r"what .* of tokens of shape \(2, 3\), got shape \(1, 4\)"),
        (lambda tokens: tokens.view(7, 7), "_Called must be one for ids of tokens, got RuntimeError: shape"),
    ],
)
def test_a_function_that_is_no_encoder(function: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"TextModule: {message}"):
        TextModule(function, 9, 0)
