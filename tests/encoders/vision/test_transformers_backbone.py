from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from sgl_rec.encoders.vision.transformers_backbone import transformers_backbone
from sgl_rec.errors import MissingDependencyError, UserError

TINY_VIT = {
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "patch_size": 7,
}  # fmt: skip
TINY_CONVNEXT = {"num_stages": 2, "hidden_sizes": [4, 8], "depths": [1, 1]}


def backbone(architecture: str, settings: dict[str, Any] | None = None, size: int = 28) -> Any:
    generator = torch.Generator().manual_seed(0)
    return transformers_backbone(1, size, architecture=architecture, settings=settings, generator=generator)


@pytest.mark.parametrize(("architecture", "settings"), [("vit", TINY_VIT), ("convnext", TINY_CONVNEXT)])
def test_the_images_fill_the_configuration(architecture: str, settings: dict[str, Any]) -> None:
    encoder = backbone(architecture, settings)
    config = encoder.module.config
    assert (config.num_channels, config.image_size) == (1, 28)
    assert encoder(torch.ones(3, 1, 28, 28)).shape == (3, 8)


@pytest.mark.parametrize(
    ("architecture", "settings", "message"),
    [
        ("resnett", None, "architecture must be an image model's, got 'resnett'; did you mean 'resnet'?"),
        ("bert", None, "architecture must be an image model's, got 'bert'; "),
        (
            "vit",
            {"hiden_size": 8},
            "settings must be those of vit, got 'hiden_size'; did you mean 'hidden_size'?",
        ),
        ("vit", {"auto_map": {"AutoModel": "x.Y"}}, "settings must be those of vit, got 'auto_map'"),
        ("vit", {**TINY_VIT, "hidden_size": "wide"}, "settings must make a vit, got "),
        ("vit", {**TINY_VIT, "image_size": 14}, r"must be one for images of shape (1, 28, 28), got "),
    ],
)
def test_what_does_not_fit(architecture: str, settings: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(UserError) as caught:
        backbone(architecture, settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers.models.auto", None)
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'sgl-rec\[vision\]'"):
        backbone("resnet")
