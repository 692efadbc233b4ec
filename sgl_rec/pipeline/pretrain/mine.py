"""Hard negatives of pairs, found before training among samples that were judged unlike what they stood with."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sgl_rec.kernels.contrast import unit_rows
from sgl_rec.pipeline.pretrain.build import make_encoder
from sgl_rec.pipeline.pretrain.encode import embed_samples
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pretrain_config import PretrainConfig

MOST_ALIKE = 0.8
"""Of a partner's cosine: what is nearer to a sample may well say the same."""
BLOCK = 1024
"""Rows that are compared with all candidates at once."""


def with_negatives(config: PretrainConfig, samples: Samples, *, device: torch.device) -> Samples:
    r"""The samples, each with the one of ``samples.unlike`` that is most like it and less than its partner is.

    .. math:: n_b = \arg\max_j \{ \cos(f(x_b), f(u_j)) : \cos(f(x_b), f(u_j)) \le 0.8 \cos(f(x_b), f(y_b)) \}

    with f the encoder as training begins: the packaged weights, say. Where none is below, it is the least alike.
    Samples without ``unlike`` come back as they are.

    Reference: Moreira et al. 2024, "NV-Retriever: Improving text embedding models with effective hard-negative
        mining" (arXiv:2407.15831), TopK-PercPos. Difference: their share is 0.95, of a teacher's scores.
    """
    if samples.unlike is None:
        return samples
    encoder = make_encoder(config, shape=samples.shape).to(device)
    learnt = torch.arange(len(samples)) if samples.learnt is None else samples.learnt
    rows, partner = (embed_samples(encoder, side, learnt) for side in (samples, samples.other_side))
    chosen = torch.zeros(len(samples), dtype=torch.int64)
    chosen[learnt] = hardest_below(rows, partner, embed_samples(encoder, samples.unlike))
    take = samples.unlike.take
    return replace(samples, negative=lambda index: take(chosen[index]))


def hardest_below(rows: Tensor, partner: Tensor, candidate: Tensor, *, share: float = MOST_ALIKE) -> Tensor:
    """(B,) indices of candidates: by cosine the nearest to each row that is no nearer than ``share`` its partner.

    Example:
        >>> rows, partner = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.1]])
        >>> hardest_below(rows, partner, torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
        tensor([1])
    """
    rows, partner, candidate = (unit_rows(one) for one in (rows, partner, candidate))
    most = share * (rows * partner).sum(1, keepdim=True)
    found = []
    for own, limit in zip(torch.split(rows, BLOCK), torch.split(most, BLOCK), strict=True):
        cosine = own @ candidate.T
        below = cosine.masked_fill(cosine > limit, -torch.inf)
        none = below.isneginf().all(1)
        found.append(torch.where(none, cosine.argmin(1), below.argmax(1)))
    return torch.cat(found)
