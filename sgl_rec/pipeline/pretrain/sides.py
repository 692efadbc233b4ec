"""What a config says of each of the two sides of a sample: one tower for both, or one each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from sgl_rec.config import Part
from sgl_rec.errors import must_be
from sgl_rec.pipeline.pretrain.modality import MODALITIES, Modality
from sgl_rec.pretrain_config import PretrainConfig

Which: TypeAlias = Literal["first", "second"]


@dataclass(frozen=True)
class OneSide:
    """A side as the config has it.

    Args:
        prefix: of the keys that are its own, and of the streams that it is drawn from.
        modality: whose encoders and views there are.
    """

    prefix: str
    modality: Modality
    encoder: Part
    head: Part
    views: tuple[Part, ...]


def has_two_towers(config: PretrainConfig) -> bool:
    """Whether the second side has an encoder of its own."""
    return config.second_encoder is not None


def one_side(config: PretrainConfig, which: Which) -> OneSide:
    """The first side, or the second: with the tower of the first where it has none of its own.

    Raises: UserError where the sides are of two modalities and the second has no encoder.
    """
    whole: Modality = MODALITIES[config.modality]
    first = MODALITIES[whole.sides.first] if whole.sides else whole
    if which == "first":
        return OneSide("", first, config.encoder, config.head, config.views)
    if whole.sides is None and config.second_encoder is None:
        views = config.views if config.second_views is None else config.second_views
        return OneSide("", whole, config.encoder, config.head, views)
    if config.second_encoder is None:
        rule = f"given for {config.modality}, whose sides differ"
        raise must_be("config", "second_encoder", rule, "none", "add a table [second_encoder]")
    second = MODALITIES[whole.sides.second] if whole.sides else whole
    same = config.views if whole.sides is None else ()
    views = same if config.second_views is None else config.second_views
    return OneSide("second_", second, config.second_encoder, config.second_head or config.head, views)


def check_side(which: str) -> Which:
    """Raises: UserError for what is no side."""
    if which not in get_args(Which):
        raise must_be("--side", "it", "first or second", repr(which))
    return "first" if which == "first" else "second"
