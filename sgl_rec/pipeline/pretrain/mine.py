"""Hard negatives of pairs, found before training among samples that were judged unlike what they stood with."""

from __future__ import annotations

from dataclasses import replace

import torch

from sgl_rec.losses.hard_negatives import hardest_below
from sgl_rec.pipeline.pretrain.build import make_encoder
from sgl_rec.pipeline.pretrain.encode import embed_samples
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pretrain_config import PretrainConfig


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
