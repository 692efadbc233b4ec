"""Config -> objects: the only place that knows which part a name in the config stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from sgl_rec.config import Config, complete_part
from sgl_rec.encoders import ENCODERS
from sgl_rec.errors import UserError, must_be, nearest
from sgl_rec.evaluation.metrics import METRICS
from sgl_rec.losses import LOSSES, Objective
from sgl_rec.rng import stream
from sgl_rec.types import Graph
from sgl_rec.views import VIEWS

NUM_VIEWS = 2
"""A contrastive loss compares two views of the graph."""


def resolve(config: Config) -> Config:
    """The config with every part's arguments checked and filled with the part's own defaults."""
    update: dict[str, Any] = {"encoder": config.encoder.model_copy(update=_encoder_arguments(config))}
    if config.views is not None:
        update["views"] = config.views.model_copy(update=_view_arguments(config))
    update["loss"] = {
        label: part.model_copy(update=complete_part(part, LOSSES, where=f"loss.{label}"))
        for label, part in config.loss.items()
    }
    _check_metric(config)
    # Parts keep what they take as extra keys, so the copies are validated again.
    return Config.model_validate(config.model_copy(update=update).model_dump())


def make_encoder(config: Config, *, num_users: int, num_items: int) -> nn.Module:
    """A fresh encoder, its start drawn from the stream "initial"."""
    generator = stream(config.training.seed, "initial")
    encoder: nn.Module = ENCODERS[config.encoder.name](
        num_users, num_items, **_encoder_arguments(config), generator=generator
    )
    return encoder


def make_objective(config: Config) -> Objective:
    """The weighted terms of ``[loss.*]``."""
    terms = {
        label: (LOSSES[part.name](**complete_part(part, LOSSES, where=f"loss.{label}")), part.weight)
        for label, part in config.loss.items()
    }
    return Objective(terms)


def make_views(config: Config, graph: Graph) -> Callable[[int], tuple[Graph, ...]]:
    """epoch -> two fresh views of ``graph``, drawn from the stream "views/<epoch>"; none without ``[views]``."""
    if config.views is None:
        return lambda epoch: ()
    view, arguments = VIEWS[config.views.name], _view_arguments(config)

    def draw(epoch: int) -> tuple[Graph, ...]:
        generator = stream(config.training.seed, f"views/{epoch}")
        return tuple(view(graph, **arguments, generator=generator) for _ in range(NUM_VIEWS))

    return draw


def _encoder_arguments(config: Config) -> dict[str, Any]:
    return complete_part(config.encoder, ENCODERS, where="encoder", provided=("generator",))


def _view_arguments(config: Config) -> dict[str, Any]:
    """The view's arguments; one that makes a graph for each layer is told how many the encoder has."""
    assert config.views is not None
    part = config.views
    if config.views.name == "layerwise_edge_drop" and "num_layers" not in part.arguments:
        part = part.model_copy(update={"num_layers": _encoder_arguments(config)["num_layers"]})
    return complete_part(part, VIEWS, where="views", provided=("generator",))


def _check_metric(config: Config) -> None:
    name, _, cut = config.training.metric.partition("@")
    if name not in METRICS:
        raise UserError(
            f"training.metric: metric must be <name>@<k>, got {config.training.metric!r}; "
            f"{nearest(name, METRICS)}"
        )
    if not cut.isdigit() or int(cut) not in config.evaluation.k:
        rule = f"one whose cut-off is in evaluation.k {list(config.evaluation.k)}"
        raise must_be("training.metric", "metric", rule, repr(config.training.metric), "add it with --k")
