"""Anything that can be called with ids of tokens as an encoder: one row a text, as wide as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.encoders.text.tokens import Pooling, check_pooling, check_tokens, check_vocabulary, pooled, trimmed
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.rng import scope

WHERE = "TextModule"


class TextModule(nn.Module):
    """What a Module, or a function, makes of tokens, brought to (B, D).

    (B, D) stays, and of (B, T, D) each text is the mean over its tokens or its first one. Of a record, as the
    models of ``transformers`` return, it is ``last_hidden_state``.

    Args:
        module: (B, T) to one of these.
        vocabulary_size, padding_id: of the tokens it is called with.
        pooling: ``mean`` or ``cls``.

    Raises: UserError for a module that fails on two such texts or makes something else of them.

    Example:
        >>> encoder = TextModule(nn.Embedding(9, 5), 9, 0)
        >>> encoder.embedding_dim, tuple(encoder(torch.tensor([[3, 4], [8, 0]])).shape)
        (5, (2, 5))
    """

    def __init__(
        self,
        module: nn.Module | Callable[[Tensor], Any],
        vocabulary_size: int,
        padding_id: int,
        *,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        check_vocabulary(WHERE, vocabulary_size=vocabulary_size, padding_id=padding_id)
        check_pooling(WHERE, pooling)
        self.module = module if isinstance(module, nn.Module) else _Called(module)
        self.vocabulary_size, self.padding_id = vocabulary_size, padding_id
        self.pooling: Pooling = pooling
        some = (padding_id + 1) % vocabulary_size
        self.embedding_dim = self._tried(torch.tensor([[some, some, some], [some, padding_id, padding_id]]))

    def forward(self, tokens: Int64[Tensor, "B T"]) -> Float[Tensor, "B D"]:
        check_tokens(WHERE, tokens, vocabulary_size=self.vocabulary_size)
        tokens = trimmed(tokens, padding_id=self.padding_id)
        return self._rows(tokens, self.module(tokens))

    def _rows(self, tokens: Tensor, output: Any) -> Tensor:
        states = getattr(output, "last_hidden_state", output)
        wanted = (len(tokens),), tuple(tokens.shape)
        if not isinstance(states, Tensor) or tuple(states.shape[:-1]) not in wanted:
            got = f"shape {tuple(states.shape)}" if isinstance(states, Tensor) else type(states).__name__
            rule = f"(B, D) or (B, T, D) of tokens of shape {tuple(tokens.shape)}"
            raise must_be(WHERE, "what the module returns", rule, got)
        return pooled(states, tokens != self.padding_id, pooling=self.pooling) if states.ndim == 3 else states

    def _tried(self, tokens: Tensor) -> int:
        """The width of its rows."""
        training = self.module.training
        tokens = tokens.to(next((one.device for one in self.module.parameters()), "cpu"))
        try:
            # In eval mode no statistics move; what it draws all the same does not come from the global generator.
            with torch.no_grad(), scope(torch.Generator().manual_seed(0)):
                return self._rows(tokens, self.module.eval()(tokens)).shape[1]
        except UserError:
            raise
        except Exception as error:  # somebody else's module can fail in any way
            got = f"{type(error).__name__}: {one_line(error)}"
            raise must_be(WHERE, type(self.module).__name__, "one for ids of tokens", got) from error
        finally:
            self.module.train(training)


class _Called(nn.Module):
    """A function as a Module."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, tokens: Tensor) -> Any:
        return self.function(tokens)
