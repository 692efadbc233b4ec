"""What an encoder makes of samples: of a run's own, or of others that are read in the same way."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.errors import UserError, must_be
from sgl_rec.pipeline.pretrain.build import make_encoder, make_tower, read_by, read_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import MODALITIES, Modality, Samples
from sgl_rec.pipeline.pretrain.sides import Which, has_two_towers, one_side
from sgl_rec.pretrain_config import PretrainConfig, parse_pretrain
from sgl_rec.training.checkpoint import Checkpoint, load_module

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
    _refuse_own(folder, settings)
    modality: Modality = MODALITIES[folder.config.modality]
    values = folder.config.model_dump(mode="json", exclude_none=True)
    known = {key: value for key, value in values["data"].items() if key not in modality.learning}
    if modality.fitting is not None:
        known = dict(modality.fitting(Path(source), known, settings or {}))
    values["data"] = {**known, **(settings or {}), "source": str(source)}
    samples = read_samples(parse_pretrain(values, where=f"config of {folder.path}"), kept=folder.kept)
    _check_shape(folder, samples, source=source)
    if samples.second is not None:
        _check_shape(folder, samples.second, source=source, key="second_shape")
    return _warned(samples)


def side_samples(
    folder: PretrainFolder, source: str | Path, *, which: Which, settings: Mapping[str, Any] | None = None
) -> Samples:
    """One side of such samples. Where the sides are of two modalities, ``source`` may also hold that one alone.

    Raises: UserError as ``other_samples``, and for the second side of what has none.
    """
    path, sides = Path(source), MODALITIES[folder.config.modality].sides
    if sides is None or sides.are_both_in(path):
        samples = other_samples(folder, source, settings=settings)
        if which == "second" and samples.other is None:
            raise must_be(str(source), "samples", "pairs, for --side second", "none", "leave --side out")
        return samples if which == "first" else samples.other_side
    _refuse_own(folder, settings)
    known = {key: value for key, value in folder.config.data.arguments.items() if key in sides.keys}
    modality = one_side(folder.config, which).modality
    given = {key: known[key] for key in inspect.signature(modality.read).parameters if key in known}
    try:
        samples = read_by(modality, path, {**given, **(settings or {})}, kept=folder.kept)
    except UserError as error:
        if which == "second":
            raise
        raise UserError(f"{error}; for {sides.second} alone say --side second") from error
    _check_shape(folder, samples, source=source, key=_shape_of(which))
    return _warned(samples)


def _refuse_own(folder: PretrainFolder, settings: Mapping[str, Any] | None) -> None:
    """Raises: UserError for settings that would be ignored: the run has its own, or training alone a use."""
    modality: Modality = MODALITIES[folder.config.modality]
    for key in ("source", *modality.learnt_by):
        if key in (settings or {}):
            raise must_be("--set", f"data.{key}", "left out: the run has its own", "one")
    for key in modality.learning:
        if key in (settings or {}):
            raise must_be("--set", f"data.{key}", "left out: these samples are not learnt from", "one")


def _check_shape(folder: PretrainFolder, samples: Samples, *, source: object, key: str = "shape") -> None:
    if list(samples.shape) != (expected := folder.model().values[key]):
        raise must_be(str(source), "shape of a sample", f"{expected}, as the run's", list(samples.shape))


def _warned(samples: Samples) -> Samples:
    for note in samples.notes:
        log.warning("%s", note)
    return samples


def labelled_samples(
    folder: PretrainFolder, source: str | Path, *, settings: Mapping[str, Any] | None = None
) -> Samples:
    """The same. Raises: UserError also for samples without labels."""
    samples = other_samples(folder, source, settings=settings)
    check_labelled(samples, source=source)
    return samples


def check_labelled(samples: Samples, *, source: object) -> None:
    """Raises: UserError for samples without labels."""
    if samples.label is None:
        advice = "put each class of images in a folder of its own, or name the column (data.label_column)"
        raise must_be(str(source), "samples", "labelled", "no labels", advice)


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
    """The trained encoder of a finished run's first side, on the CPU."""
    model = folder.model()
    encoder: nn.Module = make_encoder(folder.config, shape=tuple(model.values["shape"]))
    _load(encoder, model, prefix=ENCODER, where=folder.model_file)
    return encoder


def read_embedder(folder: PretrainFolder, which: Which = "first") -> nn.Module:
    """What makes the vectors of a side: the trained encoder, and where there are two, the head over it too.

    Two encoders make rows of two spaces; the heads bring them into one.
    """
    if not has_two_towers(folder.config):
        return read_encoder(folder)
    model = folder.model()
    tower = fresh_embedder(folder.config, shape=tuple(model.values[_shape_of(which)]), which=which)
    _load(tower, model, prefix=f"{which}.", where=folder.model_file)
    return tower


def fresh_embedder(config: PretrainConfig, *, shape: tuple[int, ...], which: Which = "first") -> nn.Module:
    """The same as training began."""
    made = make_tower(config, shape=shape, which=which)
    module: nn.Module = made if has_two_towers(config) else made.encoder
    return module


def _shape_of(which: Which) -> str:
    return "shape" if which == "first" else "second_shape"


def _load(module: nn.Module, model: Checkpoint, *, prefix: str, where: Path) -> None:
    whole = model.group("networks").items()
    own = {name.removeprefix(prefix): tensor for name, tensor in whole if name.startswith(prefix)}
    load_module(module, own, where=where)


@torch.no_grad()
def embed_samples(encoder: nn.Module, samples: Samples, index: Tensor | None = None) -> Float[Tensor, "N D"]:
    """The rows an encoder makes of samples (of all), on the CPU."""
    encoder.eval()
    device = next((one.device for one in encoder.parameters()), torch.device("cpu"))
    chosen = torch.arange(len(samples)) if index is None else index
    blocks = torch.split(chosen, BLOCK)
    return torch.cat([encoder(samples.take(block).to(device)) for block in blocks]).float().cpu()
