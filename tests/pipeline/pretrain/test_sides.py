"""What a config says of each side."""

from __future__ import annotations

from typing import Any

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.modality import MODALITIES
from sgl_rec.pipeline.pretrain.sides import check_side, has_two_towers, one_side
from sgl_rec.pretrain_config import PretrainConfig, parse_pretrain

VIEW, OTHER = {"name": "rotation"}, {"name": "flip"}


def config(modality: str = "vision", **over: Any) -> PretrainConfig:
    given = {
        "modality": modality, "data": {"source": "here"}, "encoder": {"name": "small_conv"}, "views": [VIEW],
        "loss": {"contrastive": {"name": "clip"}},
    }  # fmt: skip
    return parse_pretrain({**given, **over}, where="here")


def test_one_tower_for_both() -> None:
    alike = config()
    assert not has_two_towers(alike)
    assert one_side(alike, "first") == one_side(alike, "second")
    own = one_side(config(second_views=[OTHER]), "second")
    assert (own.prefix, own.encoder.name, [view.name for view in own.views]) == ("", "small_conv", ["flip"])


def test_two_towers_of_one_modality() -> None:
    two = config(second_encoder={"name": "efficientnet_lite0"}, second_head={"name": "linear"})
    assert has_two_towers(two)
    second = one_side(two, "second")
    assert (second.prefix, second.encoder.name, second.head.name) == ("second_", "efficientnet_lite0", "linear")
    assert second.views == one_side(two, "first").views


def test_two_modalities() -> None:
    two = config("image-text", second_encoder={"name": "gru"})
    first, second = one_side(two, "first"), one_side(two, "second")
    assert first.modality is MODALITIES["vision"]
    assert second.modality is MODALITIES["text"]
    assert (second.views, second.head) == ((), first.head)  # views of images are none of texts
    with pytest.raises(
        UserError, match="second_encoder must be given for image-text, whose sides differ, got none"
    ):
        one_side(config("image-text"), "second")


def test_a_side_has_a_name() -> None:
    assert (check_side("first"), check_side("second")) == ("first", "second")
    with pytest.raises(UserError, match="--side: it must be first or second, got 'third'"):
        check_side("third")
