"""The gradient of a loss over a whole batch, of which the encoder holds only a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sgl_rec.errors import must_be
from sgl_rec.rng import draw_key, scope


def cached_backward(
    passes: Sequence[tuple[nn.Module, tuple[Tensor, ...]]],
    loss: Callable[..., Tensor],
    *,
    chunk_size: int,
    generator: torch.Generator,
) -> Tensor:
    r"""Add to every parameter's gradient what ``loss(*embeddings).backward()`` would add.

    .. math:: \frac{\partial \ell}{\partial \theta} =
        \sum_c \Big(\frac{\partial \ell}{\partial z_c}\Big)^{\!\top} \frac{\partial z_c}{\partial \theta}

    The encoder goes over the batch twice: first without a graph, for the embeddings z and the loss's gradient to
    them, then chunk by chunk with that gradient as its start. Memory is that of one chunk and of the embeddings.
    What the encoder draws (dropout) is drawn again in the second pass; what it keeps of a call it keeps twice.

    Args:
        passes: (encoder, its inputs) for each of the loss's arguments; inputs are tensors of B rows alike, the
            encoder makes B rows of them, each of its own row alone. One encoder may stand for several.
        loss: the embeddings in that order to a scalar; it runs once, and what it has parameters for (a
            temperature, a projection) gets its gradient too.
        chunk_size: rows that pass through an encoder at once.
        generator: draws the seeds of the chunks.

    Returns: the loss, detached.

    Raises: UserError for no pass, inputs of different lengths, a chunk below one row, or an encoder with a batch
        norm in training mode: its rows are not each of their own input alone, so the gradient would be another.

    Example:
        >>> encoder, image = nn.Linear(3, 2), torch.ones(4, 3)
        >>> squares = lambda embedding: embedding.square().mean()
        >>> value = cached_backward([(encoder, (image,))], squares, chunk_size=3, generator=torch.Generator())
        >>> cached = encoder.weight.grad.clone()
        >>> encoder.zero_grad()
        >>> squares(encoder(image)).backward()
        >>> torch.allclose(cached, encoder.weight.grad)
        True

    Reference: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup" (RepL4NLP
    2021), section 3.2.
    """
    _check(passes, chunk_size)
    seeds = [[draw_key(generator) for _ in _chunks(inputs, chunk_size)] for _, inputs in passes]
    with torch.no_grad():
        embeddings = [
            torch.cat([_encode(encoder, chunk, seed) for chunk, seed in _seeded(inputs, chunk_size, drawn)])
            for (encoder, inputs), drawn in zip(passes, seeds, strict=True)
        ]
    for embedding in embeddings:
        embedding.requires_grad_()
    value = loss(*embeddings)
    torch.autograd.backward(value)
    for (encoder, inputs), drawn, embedding in zip(passes, seeds, embeddings, strict=True):
        if embedding.grad is None or not any(one.requires_grad for one in encoder.parameters()):
            continue
        gradients = torch.split(embedding.grad, chunk_size)
        for (chunk, seed), gradient in zip(_seeded(inputs, chunk_size, drawn), gradients, strict=True):
            torch.autograd.backward(_encode(encoder, chunk, seed), gradient)
    return value.detach()


def _encode(encoder: nn.Module, chunk: tuple[Tensor, ...], seed: int) -> Tensor:
    """One chunk, with draws that are the same whenever the seed is."""
    with scope(torch.Generator().manual_seed(seed)):
        rows: Tensor = encoder(*chunk)
    return rows


def _chunks(inputs: tuple[Tensor, ...], size: int) -> Iterator[tuple[Tensor, ...]]:
    return zip(*(torch.split(one, size) for one in inputs), strict=True)


def _seeded(
    inputs: tuple[Tensor, ...], size: int, seeds: Sequence[int]
) -> Iterator[tuple[tuple[Tensor, ...], int]]:
    return zip(_chunks(inputs, size), seeds, strict=True)


def _check(passes: Sequence[tuple[nn.Module, tuple[Tensor, ...]]], chunk_size: int) -> None:
    where = "cached_backward"
    if chunk_size < 1:
        raise must_be(where, "chunk_size", "at least 1", chunk_size)
    if not passes:
        raise must_be(where, "passes", "at least one", "none")
    for encoder, inputs in passes:
        lengths = {len(one) for one in inputs}
        if len(lengths) != 1 or 0 in lengths:
            raise must_be(where, "inputs of an encoder", "tensors of as many rows, one at least", sorted(lengths))
        if any(isinstance(module, _BatchNorm) and module.training for module in encoder.modules()):
            advice = "use a norm of each row alone (group, layer), or the whole batch at once"
            raise must_be(where, "encoder", "without a batch norm in training mode", "one with it", advice)
