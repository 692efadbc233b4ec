"""What an encoder makes of samples: of a run's own, or of others that are read in the same way."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.pipeline.pretrain.build import make_encoder, read_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import MODALITIES, Modality, Samples
from sgl_rec.pretrain_config import parse_pretrain
from sgl_rec.settings import merge
from sgl_rec.training.checkpoint import load_module

log = logging.getLogger("sgl_rec")

ENCODER = "first.encoder."
"""Where the networks of a run have the encoder of the first side."""
BLOCK = 256
"""Samples that are embedded at once."""


def other_samples(
    folder: PretrainFolder, source: str | Path, *, settings: Mapping[str, Any] | None = None
) -> Samples:
    """Samples of another place, read as those of the run were; what cannot be read is warned of.

    Args:
        settings: values of ``[data]`` over the run's own, as ``{"only": ["*_01.png"]}``.

    Raises: UserError for samples that the run's encoder does not take.
    """
    modality: Modality = MODALITIES[folder.config.modality]
    for key in ("source", *modality.learnt_by):
        if key in (settings or {}):
            raise must_be("--set", f"data.{key}", "left out: the run has its own", "one")
    values = folder.config.model_dump(mode="json", exclude_none=True)
    values = merge(values, {"data": {**(settings or {}), "source": str(source)}})
    samples = read_samples(parse_pretrain(values, where=f"config of {folder.path}"), kept=folder.kept)
    if list(samples.shape) != (expected := folder.model().values["shape"]):
        raise must_be(str(source), "shape of a sample", f"{expected}, as the run's", list(samples.shape))
    for note in samples.notes:
        log.warning("%s", note)
    return samples


def labelled_samples(
    folder: PretrainFolder, source: str | Path, *, settings: Mapping[str, Any] | None = None
) -> Samples:
    """The same. Raises: UserError also for samples without labels."""
    samples = other_samples(folder, source, settings=settings)
    if samples.label is None:
        advice = "put each class in a folder of its own"
        raise must_be(str(source), "samples", "labelled", "no labels", advice)
    return samples


def one_numbering(*several: Samples) -> list[Int64[Tensor, " N"]]:
    """The labels of several labelled sets, where classes of one name have one number."""
    names = dict.fromkeys(name for samples in several for name in samples.classes)
    number = {name: place for place, name in enumerate(names)}
    labels = []
    for samples in several:
        assert samples.label is not None
        labels.append(torch.tensor([number[name] for name in samples.classes])[samples.label])
    return labels


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
