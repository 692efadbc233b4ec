"""A recurrent encoder of texts, trained from scratch."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.encoders.text.tokens import check_tokens, check_vocabulary, pooled, trimmed
from sgl_rec.errors import must_be
from sgl_rec.rng import scope

WHERE = "GruTower"


class GruTower(nn.Module):
    r"""Gated recurrent units over the tokens; a text is the mean of their states, or the last one.

    .. math:: z_t = \sigma(W_z x_t + U_z h_{t-1}),\quad r_t = \sigma(W_r x_t + U_r h_{t-1}),\quad
        \tilde h_t = \tanh(W x_t + r_t \odot U h_{t-1}),\quad h_t = (1 - z_t) \odot \tilde h_t + z_t \odot h_{t-1}

    Args:
        vocabulary_size: ids are below it.
        padding_id: of what stands behind a text and is no part of it.
        width: of a token's embedding and of the state; ``embedding_dim`` is this.
        num_layers: of units above each other.
        drop_rate: of dropout on the embeddings of the tokens, in [0, 1).
        pooling: ``mean`` or ``last``.
        generator: draws the start, on the CPU.

    Raises: UserError for values out of range, and when called on other ids.

    Example:
        >>> encoder = GruTower(9, 0, width=4, generator=torch.Generator().manual_seed(0))
        >>> tuple(encoder(torch.tensor([[3, 4, 5], [3, 8, 0]])).shape), encoder.embedding_dim
        ((2, 4), 4)

    Reference: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder" (EMNLP 2014), section 2.3.
    Difference: the reset gate acts after the product with U, as PyTorch has it.
    """

    def __init__(
        self,
        vocabulary_size: int,
        padding_id: int,
        *,
        width: int = 256,
        num_layers: int = 1,
        drop_rate: float = 0.1,
        pooling: Literal["mean", "last"] = "mean",
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        check_vocabulary(WHERE, vocabulary_size=vocabulary_size, padding_id=padding_id)
        for name, value in (("width", width), ("num_layers", num_layers)):
            if value < 1:
                raise must_be(WHERE, name, "at least 1", value)
        if not 0 <= drop_rate < 1:
            raise must_be(WHERE, "drop_rate", "in [0, 1)", drop_rate)
        if pooling not in ("mean", "last"):
            raise must_be(WHERE, "pooling", "mean or last", repr(pooling))
        self.vocabulary_size, self.padding_id, self.pooling = vocabulary_size, padding_id, pooling
        self.embedding_dim = width
        with scope(generator):
            self.token = nn.Embedding(vocabulary_size, width)
            self.units = nn.GRU(width, width, num_layers, batch_first=True)
        self.drop = nn.Dropout(drop_rate)

    def forward(self, tokens: Int64[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        check_tokens(WHERE, tokens, vocabulary_size=self.vocabulary_size)
        tokens = trimmed(tokens, padding_id=self.padding_id)
        given = tokens != self.padding_id
        # Padding comes last, so no state of a token has seen it.
        states: Tensor = self.units(self.drop(self.token(tokens)))[0]
        if self.pooling == "mean":
            return pooled(states, given, pooling="mean")
        last = (given.sum(1) - 1).clamp(min=0)
        return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]
