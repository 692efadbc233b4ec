"""Hard negatives of pairs, found before training among samples that were judged unlike what they stood with."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.kernels.contrast import unit_rows
from sgl_rec.pipeline.pretrain.build import make_encoder
from sgl_rec.pipeline.pretrain.encode import embed_samples
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pretrain_config import PretrainConfig

MOST_ALIKE = 0.8
"""Of a partner's cosine: what is nearer to a sample may well say the same."""
SAME = 1 - 1e-6
"""A cosine that only the same text has."""
BLOCK = 1024
"""Rows that are compared with all candidates at once."""


def with_negatives(config: PretrainConfig, samples: Samples, *, device: torch.device) -> Samples:
    """The samples, each with a ``negative``: the one of ``samples.unlike`` that ``hardest_below`` chooses.

    Compared are rows of the encoder as training begins: by its packaged weights, say. Samples without ``unlike``
    come back as they are.
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


def hardest_below(
    rows: Float[Tensor, "B D"],
    partner: Float[Tensor, "B D"],
    candidate: Float[Tensor, "C D"],
    *,
    share: float = MOST_ALIKE,
) -> Int64[Tensor, " B"]:
    r"""The candidate that is most like each row, and clearly less so than its partner.

    .. math:: n_b = \arg\max_j \{ s_{bj} : s_{bj} \le c_b - (1 - \text{share}) \lvert c_b \rvert \}, \quad
        s_{bj} = \cos(x_b, u_j), \; c_b = \cos(x_b, y_b)

    without candidates that are the row or its partner itself. Where none is left it is the least alike of all.

    Args:
        rows, partner: x and y, two sides of the same pairs.
        candidate: u.
        share: in [0, 1]: what is nearer than that to what the partner is may well say the same.

    Returns: indices of candidates.

    Example:
        >>> rows, partner = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.1]])
        >>> hardest_below(rows, partner, torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
        tensor([1])

    Reference: Moreira et al. 2024, "NV-Retriever: Improving text embedding models with effective hard-negative
        mining" (arXiv:2407.15831), TopK-PercPos. Differences: their share is 0.95, of a teacher's scores; a
        partner at a negative cosine has its bound below it, not above.
    """
    rows, partner, candidate = (unit_rows(one) for one in (rows, partner, candidate))
    alike = (rows * partner).sum(1, keepdim=True)
    most = alike - (1 - share) * alike.abs()
    found = []
    for own, other, limit in zip(*(torch.split(one, BLOCK) for one in (rows, partner, most)), strict=True):
        cosine = own @ candidate.T
        itself = (cosine > SAME) | (other @ candidate.T > SAME)
        below = cosine.masked_fill((cosine > limit) | itself, -torch.inf)
        none = below.isneginf().all(1)
        found.append(torch.where(none, cosine.argmin(1), below.argmax(1)))
    return torch.cat(found)
