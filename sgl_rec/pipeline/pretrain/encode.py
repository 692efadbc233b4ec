"""What an encoder makes of samples: of a run's own, or of others that are read in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.pipeline.pretrain.build import make_encoder, read_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pretrain_config import parse_pretrain
from sgl_rec.settings import merge
from sgl_rec.training.checkpoint import load_module

ENCODER = "first.encoder."
"""Where the networks of a run have the encoder of the first side."""
BLOCK = 256
"""Samples that are embedded at once."""


def other_samples(
    folder: PretrainFolder, source: str | Path, *, settings: Mapping[str, Any] | None = None
) -> Samples:
    """Samples of another place, read as those of the run were.

    Args:
        settings: values of ``[data]`` over the run's own, as ``{"only": ["*_01.png"]}``.

    Raises: UserError for samples that the run's encoder does not take.
    """
    values = folder.config.model_dump(mode="json", exclude_none=True)
    values = merge(values, {"data": {**(settings or {}), "source": str(source)}})
    samples = read_samples(parse_pretrain(values, where=f"config of {folder.path}"))
    if list(samples.shape) != (expected := folder.model().values["shape"]):
        raise must_be(str(source), "shape of a sample", f"{expected}, as the run's", list(samples.shape))
    return samples


def read_encoder(folder: PretrainFolder) -> nn.Module:
    """The trained encoder of a finished run, on the CPU."""
    model = folder.model()
    encoder: nn.Module = make_encoder(folder.config, shape=tuple(model.values["shape"]))
    own = {
        name.removeprefix(ENCODER): tensor
        for name, tensor in model.group("networks").items()
        if name.startswith(ENCODER)
    }
    load_module(encoder, own, where=folder.model_file)
    return encoder


@torch.no_grad()
def embed_samples(encoder: nn.Module, samples: Samples, index: Tensor | None = None) -> Float[Tensor, "N D"]:
    """The rows an encoder makes of samples (of all), on the CPU."""
    encoder.eval()
    device = next((one.device for one in encoder.parameters()), torch.device("cpu"))
    chosen = torch.arange(len(samples)) if index is None else index
    blocks = torch.split(chosen, BLOCK)
    return torch.cat([encoder(samples.take(block).to(device)) for block in blocks]).float().cpu()
