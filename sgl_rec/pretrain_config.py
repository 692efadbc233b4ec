"""Strict typed config of self-supervision: defaults < the method's file < ``--config`` file < options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic
import tomli_w

from sgl_rec.config import Arguments, LossPart, Part, Section, explain, named_file
from sgl_rec.errors import UserError, must_be
from sgl_rec.files import shipped_folder


class Source(Arguments):
    """The samples: ``source`` is a path, the other keys are arguments of the modality's reader."""

    source: str


class Momentum(Section):
    """The slow copy of the first tower: ``training.momentum.MomentumEncoder``."""

    momentum: float = pydantic.Field(default=0.99, ge=0, le=1)
    schedule: Literal["constant", "cosine"] = "constant"


class Predictor(Section):
    """A head over the projections, before the loss: ``encoders.heads.predictor``."""

    hidden_dim: int | None = pydantic.Field(default=None, ge=1)


class PretrainTraining(Section):
    """The loop. ``chunk_size`` rows pass through an encoder at once, with the gradient of the whole batch.

    With ``schedule = "cosine"`` the learning rate rises for ``warmup_share`` of the steps and then falls to 0.
    """

    max_epochs: int = pydantic.Field(default=100, ge=1)
    batch_size: int = pydantic.Field(default=256, ge=2)
    learning_rate: float = pydantic.Field(default=1e-3, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_share: float = pydantic.Field(default=0.0, ge=0, lt=1)
    seed: int = pydantic.Field(default=0, ge=0)
    chunk_size: int | None = pydantic.Field(default=None, ge=1)


class PretrainConfig(Section):
    """The whole of a run's settings, as it stands in ``config.toml``.

    ``views`` are applied one after the other to each of two copies of a batch; with ``second_views`` the second
    copy has its own. An empty list is the sample itself: then the encoder's dropout is the view.
    With ``second_encoder`` the second side has a tower of its own, under ``second_head`` or a copy of ``head``.
    ``plugins`` are the modules that were loaded for the run; whoever uses it has to name them again.
    """

    method: str = "custom"
    plugins: tuple[str, ...] = pydantic.Field(default=(), strict=False)
    summary: str = ""
    modality: str
    data: Source
    encoder: Part
    head: Part = Part(name="mlp")
    second_encoder: Part | None = None
    second_head: Part | None = None
    predictor: Predictor | None = None
    momentum: Momentum | None = None
    views: tuple[Part, ...] = pydantic.Field(default=(), strict=False)
    second_views: tuple[Part, ...] | None = pydantic.Field(default=None, strict=False)
    loss: dict[str, LossPart]
    training: PretrainTraining = PretrainTraining()

    @pydantic.model_validator(mode="after")
    def _two_towers(self) -> PretrainConfig:
        if self.second_encoder is None and self.second_head is not None:
            raise ValueError("second_head must stand with second_encoder, got it alone; add [second_encoder]")
        if self.second_encoder is not None and self.momentum is not None:
            raise ValueError("momentum must be left out with second_encoder: a slow copy is of one tower")
        return self

    @pydantic.field_validator("loss")
    @classmethod
    def _some(cls, value: dict[str, LossPart]) -> dict[str, LossPart]:
        if not value:
            raise ValueError("must hold a term")
        return value


def parse_pretrain(values: Mapping[str, Any], *, where: str) -> PretrainConfig:
    """Check ``values``. Raises: UserError naming the key and, for an unknown one, the nearest known."""
    try:
        return PretrainConfig.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise UserError(explain(error.errors()[0], where, model=PretrainConfig)) from error


def dump_pretrain(config: PretrainConfig) -> str:
    """The config as TOML text; reading it gives the same config."""
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))


def pretrain_methods(modality: str) -> dict[str, Path]:
    """Every shipped method of a modality, by name."""
    folder = shipped_folder("configs") / "pretrain" / modality
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def pretrain_method_file(method: str, *, modality: str) -> Path:
    """The file of ``--method``: a shipped one, else a path."""
    shipped = pretrain_methods(modality)
    if not method and not shipped:
        raise must_be("--method", "it", f"given for {modality}", "none", "name a .toml file")
    return named_file(method, shipped, rule=f"a known method of {modality} or a .toml file")
