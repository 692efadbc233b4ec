"""A small transformer over the tokens of texts, trained from scratch."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.encoders.text.tokens import (
    Pooling,
    check_length,
    check_pooling,
    check_tokens,
    check_vocabulary,
    pooled,
    trimmed,
)
from sgl_rec.errors import must_be
from sgl_rec.rng import scope

WHERE = "SmallTransformer"
START_SCALE = 0.02
"""Standard deviation of the embeddings at the start, as in BERT."""


class SmallTransformer(nn.Module):
    r"""Embeddings of token and place, then blocks of attention between the tokens of a text and of a network.

    .. math:: x_0 = \text{norm}(E_{w_t} + P_t),\quad y = \text{norm}(x + \text{attention}(x)),\quad
        x' = \text{norm}(y + W_2\, \text{gelu}(W_1 y))

    Args:
        vocabulary_size: ids are below it.
        padding_id: of what stands behind a text and is no part of it.
        width: of every layer; ``embedding_dim`` is this.
        num_layers: blocks.
        num_heads: of the attention; they share the width.
        hidden_dim: between W_1 and W_2; by default four times the width.
        drop_rate: of dropout in every block, in [0, 1). Two passes in training mode are two views (SimCSE).
        length: the most tokens of a text.
        pooling: ``mean`` over the tokens, or ``cls``: the first one.
        generator: draws the start, on the CPU.

    Raises: UserError for values out of range, and when called on other ids or longer texts.

    Example:
        >>> encoder = SmallTransformer(9, 0, width=8, generator=torch.Generator().manual_seed(0))
        >>> tuple(encoder(torch.tensor([[3, 4, 5], [3, 8, 0]])).shape)
        (2, 8)

    Reference: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers" (NAACL 2019), section 3.
    Differences: no segments, and no layer over the first token.
    """

    def __init__(
        self,
        vocabulary_size: int,
        padding_id: int,
        *,
        width: int = 128,
        num_layers: int = 2,
        num_heads: int = 4,
        hidden_dim: int | None = None,
        drop_rate: float = 0.1,
        length: int = 128,
        pooling: Pooling = "mean",
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        check_vocabulary(WHERE, vocabulary_size=vocabulary_size, padding_id=padding_id)
        hidden = 4 * width if hidden_dim is None else hidden_dim
        for name, value in (("width", width), ("num_layers", num_layers), ("hidden_dim", hidden)):
            if value < 1:
                raise must_be(WHERE, name, "at least 1", value)
        if num_heads < 1 or width % num_heads:
            raise must_be(WHERE, "num_heads", f"a divisor of the width {width}", num_heads)
        if not 0 <= drop_rate < 1:
            raise must_be(WHERE, "drop_rate", "in [0, 1)", drop_rate)
        check_length(WHERE, length)
        check_pooling(WHERE, pooling)
        self.vocabulary_size, self.padding_id, self.length = vocabulary_size, padding_id, length
        self.pooling: Pooling = pooling
        self.embedding_dim = width
        with scope(generator):
            self.token = nn.Embedding(vocabulary_size, width)
            self.place = nn.Embedding(length, width)
            nn.init.normal_(self.token.weight, std=START_SCALE)
            nn.init.normal_(self.place.weight, std=START_SCALE)
            self.blocks = nn.ModuleList(
                nn.TransformerEncoderLayer(width, num_heads, hidden, drop_rate, "gelu", batch_first=True)
                for _ in range(num_layers)
            )
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(drop_rate)

    def forward(self, tokens: Int64[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        check_tokens(WHERE, tokens, vocabulary_size=self.vocabulary_size)
        tokens = trimmed(tokens, padding_id=self.padding_id)
        if tokens.shape[1] > self.length:
            raise must_be(WHERE, "tokens of a text", f"at most {self.length}", tokens.shape[1], "raise length")
        given = tokens != self.padding_id
        # A text of nothing looks at its first place: attention to nothing is no number.
        hidden = ~given & given.any(1, keepdim=True)
        place = torch.arange(tokens.shape[1], device=tokens.device)
        states = self.drop(self.norm(self.token(tokens) + self.place(place)))
        for block in self.blocks:
            states = block(states, src_key_padding_mask=hidden)
        return pooled(states, given, pooling=self.pooling)
