"""Config -> objects: networks, objective, and the two sides of every sample."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sgl_rec.config import Part, complete_part
from sgl_rec.encoders import HEADS
from sgl_rec.encoders.heads import predictor
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.losses import PAIR_LOSSES, Objective
from sgl_rec.pipeline.pretrain.modality import MODALITIES, Modality, Samples
from sgl_rec.pretrain_config import PretrainConfig
from sgl_rec.registry import Registry
from sgl_rec.rng import stream
from sgl_rec.training.momentum import MomentumEncoder
from sgl_rec.training.pair_batches import PairBatches, Side
from sgl_rec.training.pair_learner import PairNetworks
from sgl_rec.training.schedule import cosine

PROVIDED = ("generator", "embedding_dim", "label", "precision")
"""Arguments of a part that the program gives, not the user."""


def read_samples(config: PretrainConfig, *, kept: str = "") -> Samples:
    """What ``[data]`` names. Raises: UserError for an unknown key, a path that is not there, damaged samples."""
    modality: Modality = MODALITIES[config.modality]
    reader = Registry("reader", {config.modality: f"{modality.read.__module__}:{modality.read.__qualname__}"})
    part = Part.model_validate({"name": config.modality, **config.data.arguments})
    arguments = complete_part(part, reader, where="data", provided=("kept",))
    if "kept" in inspect.signature(modality.read).parameters:
        arguments["kept"] = kept
    return modality.read(Path(config.data.source), **arguments)


def make_networks(config: PretrainConfig, *, shape: tuple[int, ...], num_steps: int) -> PairNetworks:
    """Fresh networks, their starts drawn from the streams "encoder", "head" and "predictor".

    Args:
        shape: what the encoder is told of the samples.
        num_steps: of the whole training, for a momentum that changes.
    """
    encoder = make_encoder(config, shape=shape)
    width = int(encoder.embedding_dim)
    arguments = complete_part(config.head, HEADS, where="head", provided=PROVIDED)
    seed = config.training.seed
    head: Any = HEADS[config.head.name](width, **arguments, generator=stream(seed, "head"))
    guess, slow = None, None
    if config.predictor is not None:
        hidden = config.predictor.hidden_dim
        guess = predictor(int(head.output_dim), hidden_dim=hidden, generator=stream(seed, "predictor"))
    if (given := config.momentum) is not None:
        slow = partial(MomentumEncoder, momentum=given.momentum, schedule=given.schedule, num_steps=num_steps)
    return PairNetworks(encoder, head, predictor=guess, momentum=slow)


def make_encoder(config: PretrainConfig, *, shape: tuple[int, ...]) -> Any:
    """The encoder alone."""
    encoders = MODALITIES[config.modality].encoders
    arguments = complete_part(config.encoder, encoders, where="encoder", provided=PROVIDED)
    return encoders[config.encoder.name](*shape, **arguments, generator=stream(config.training.seed, "encoder"))


def make_objective(config: PretrainConfig, *, width: int) -> Objective:
    """The weighted terms of ``[loss.*]``; those that keep rows are told the width of the projections."""
    terms = {}
    for label, part in config.loss.items():
        where = f"loss.{label}"
        arguments = complete_part(part, PAIR_LOSSES, where=where, provided=PROVIDED)
        make = PAIR_LOSSES[part.name]
        takes = inspect.signature(make).parameters
        if "embedding_dim" in takes:
            arguments["embedding_dim"] = width
        if "generator" in takes:
            arguments["generator"] = stream(config.training.seed, where)
        terms[label] = make(**arguments), part.weight
    return Objective(terms)


def make_schedule(config: PretrainConfig, *, num_steps: int) -> Callable[[int], float] | None:
    """The learning rate of each step; None for one that stays. ``num_steps`` are those of an epoch."""
    training = config.training
    if training.schedule == "constant":
        return None
    whole = training.max_epochs * num_steps
    rising = int(training.warmup_share * whole)
    return cosine(training.learning_rate, num_steps=whole, num_warmup_steps=rising)


def make_batches(config: PretrainConfig, samples: Samples, *, device: torch.device) -> PairBatches:
    """Two views of every sample, and its label."""
    training, learnt = config.training, samples.learnt
    own = config.views if config.second_views is None else config.second_views
    first = make_side(config, samples, config.views)
    second = make_side(config, samples, own, take=samples.other)
    negative = None if samples.negative is None else make_side(config, samples, own, take=samples.negative)
    label = samples.label
    if learnt is not None:
        first, second = _some(first, learnt), _some(second, learnt)
        negative = None if negative is None else _some(negative, learnt)
        label = None if label is None else label[learnt]
    return PairBatches(
        first,
        second,
        negative=negative,
        num_samples=len(samples) if learnt is None else len(learnt),
        batch_size=training.batch_size,
        seed=training.seed,
        label=label,
        device=device,
    )


def _some(side: Side, chosen: Tensor) -> Side:
    """The same side of these samples alone, counted from 0."""
    return lambda index, generator: side(chosen[index], generator)


def make_side(
    config: PretrainConfig,
    samples: Samples,
    parts: Sequence[Part],
    *,
    take: Callable[[Tensor], Any] | None = None,
) -> Side:
    """Indices -> those samples (``take`` of them) through views, one after the other."""
    views, taken = MODALITIES[config.modality].views, take or samples.take
    chain: list[Callable[..., Any]] = []
    for index, part in enumerate(parts):
        provided = (*PROVIDED, *samples.given)
        arguments = complete_part(part, views, where=f"views {index + 1}", provided=provided)
        view = views[part.name]
        takes = inspect.signature(view).parameters
        told = {name: value for name, value in samples.given.items() if name in takes}
        chain.append(partial(view, **arguments, **told))

    def side(index: Tensor, generator: torch.Generator) -> tuple[Any, ...]:
        found = taken(index)
        for view, part in zip(chain, parts, strict=True):
            try:
                found = view(found, generator=generator)
            except UserError:
                raise
            except Exception as error:  # somebody else's view can fail in any way
                got = f"{type(error).__name__}: {one_line(error)}"
                raise must_be("views", f"view {part.name!r}", "able to take these samples", got) from error
        return (found,)

    return side
