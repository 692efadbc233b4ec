"""Encoders of images by the name of their architecture in ``transformers``, with random weights."""

from __future__ import annotations

from typing import Any

import torch

from sgl_rec.encoders.vision.images import check_shape
from sgl_rec.encoders.vision.module import ImageModule
from sgl_rec.errors import UserError, must_be, nearest, one_line
from sgl_rec.extras import needed
from sgl_rec.rng import scope

WHERE = "transformers_backbone"


def transformers_backbone(
    num_channels: int,
    size: int,
    *,
    architecture: str = "resnet",
    settings: dict[str, Any] | None = None,
    generator: torch.Generator,
) -> ImageModule:
    """A backbone made from its configuration alone: nothing is looked for on a hub.

    Args:
        num_channels, size: of the images; they fill the configuration's ``num_channels`` and ``image_size``,
            where it has them and ``settings`` does not say otherwise.
        architecture: ``model_type`` of one of its image models: ``resnet``, ``vit``, ``convnext``, ``swin``, ...
        settings: of its configuration, beside its defaults: {"depths": [2, 2], "hidden_sizes": [64, 128]}.
        generator: draws the start, on the CPU.

    Raises: UserError for an architecture or a setting that is not known or does not fit the images,
        MissingDependencyError without the library.

    Example:
        >>> small = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}
        >>> encoder = transformers_backbone(1, 28, settings=small, generator=torch.Generator().manual_seed(0))
        >>> encoder.embedding_dim
        8
    """
    check_shape(WHERE, num_channels=num_channels, size=size)
    auto, known = needed(WHERE, "transformers.models.auto"), _architectures()
    if architecture not in known:
        raise must_be(WHERE, "architecture", "an image model's", repr(architecture), nearest(architecture, known))
    defaults = auto.AutoConfig.for_model(architecture).to_dict()
    for name in settings or {}:
        if name not in defaults:
            rule = f"those of {architecture}"
            raise must_be(WHERE, "settings", rule, repr(name), nearest(name, defaults))
    given = {"num_channels": num_channels, "image_size": size}
    chosen = {name: value for name, value in given.items() if name in defaults} | (settings or {})
    try:
        with scope(generator):
            model = auto.AutoModel.from_config(auto.AutoConfig.for_model(architecture, **chosen))
    except Exception as error:  # what a configuration may not be is known to the library alone
        got = f"{type(error).__name__}: {one_line(error)}"
        raise UserError(f"{WHERE}: settings must make a {architecture}, got {got}; correct them") from error
    return ImageModule(model, num_channels=num_channels, size=size)


def _architectures() -> list[str]:
    mappings = needed(WHERE, "transformers.models.auto.modeling_auto")
    return [str(name) for name in mappings.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES]
