"""Config -> objects: networks, objective, and the two sides of every sample."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
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
from sgl_rec.pipeline.pretrain.sides import OneSide, Which, has_two_towers, one_side
from sgl_rec.pretrain_config import PretrainConfig
from sgl_rec.registry import Registry
from sgl_rec.rng import stream
from sgl_rec.training.momentum import MomentumEncoder
from sgl_rec.training.pair_batches import PairBatches, Side
from sgl_rec.training.pair_learner import PairNetworks, Tower
from sgl_rec.training.schedule import cosine

PROVIDED = ("generator", "embedding_dim", "label", "precision")
"""Arguments of a part that the program gives, not the user."""


def read_samples(config: PretrainConfig, *, kept: str = "") -> Samples:
    """What ``[data]`` names. Raises: UserError for an unknown key, a path that is not there, damaged samples."""
    modality: Modality = MODALITIES[config.modality]
    return read_by(modality, Path(config.data.source), config.data.arguments, kept=kept)


def read_by(modality: Modality, source: Path, given: Mapping[str, Any], *, kept: str = "") -> Samples:
    """What a modality's reader makes of a path. Raises: UserError as ``read_samples``."""
    reader = Registry("reader", {"data": f"{modality.read.__module__}:{modality.read.__qualname__}"})
    part = Part.model_validate({"name": "data", **given})
    arguments = complete_part(part, reader, where="data", provided=("kept",))
    if "kept" in inspect.signature(modality.read).parameters:
        arguments["kept"] = kept
    return modality.read(source, **arguments)


def make_networks(
    config: PretrainConfig,
    *,
    shape: tuple[int, ...],
    second_shape: tuple[int, ...] | None = None,
    num_steps: int,
) -> PairNetworks:
    """Fresh networks, their starts drawn from the streams "encoder", "head" and "predictor".

    Args:
        shape: what the encoder is told of the samples; ``second_shape`` the second side's, where it is another.
        num_steps: of the whole training, for a momentum that changes.

    Raises: UserError for towers of two widths.
    """
    seed = config.training.seed
    tower = make_tower(config, shape=shape)
    encoder, head = tower.encoder, tower.head
    second = make_tower(config, shape=second_shape or shape, which="second") if has_two_towers(config) else None
    if second is not None and (got := second.head.output_dim) != (width := head.output_dim):
        raise must_be("second_head", "output_dim", f"{width}, as wide as what head makes", got)
    guess, slow = None, None
    if config.predictor is not None:
        hidden = config.predictor.hidden_dim
        guess = predictor(int(head.output_dim), hidden_dim=hidden, generator=stream(seed, "predictor"))
    if (given := config.momentum) is not None:
        slow = partial(MomentumEncoder, momentum=given.momentum, schedule=given.schedule, num_steps=num_steps)
    return PairNetworks(
        encoder,
        head,
        second_encoder=None if second is None else second.encoder,
        second_head=None if second is None else second.head,
        predictor=guess,
        momentum=slow,
    )


def make_tower(config: PretrainConfig, *, shape: tuple[int, ...], which: Which = "first") -> Any:
    """The encoder of a side and the head over it."""
    side, seed = one_side(config, which), config.training.seed
    where = f"{side.prefix}head"
    encoder = make_encoder(config, shape=shape, which=which)
    arguments = complete_part(side.head, HEADS, where=where, provided=PROVIDED)
    head = HEADS[side.head.name](int(encoder.embedding_dim), **arguments, generator=stream(seed, where))
    return Tower(encoder, head)


def make_encoder(config: PretrainConfig, *, shape: tuple[int, ...], which: Which = "first") -> Any:
    """The encoder alone."""
    side = one_side(config, which)
    where, encoders = f"{side.prefix}encoder", side.modality.encoders
    arguments = complete_part(side.encoder, encoders, where=where, provided=PROVIDED)
    return encoders[side.encoder.name](*shape, **arguments, generator=stream(config.training.seed, where))


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
    own, opposite = one_side(config, "second"), samples.other_side
    first = make_side(one_side(config, "first"), samples)
    second = make_side(own, opposite)
    negative = None if samples.negative is None else make_side(own, replace(opposite, take=samples.negative))
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


def make_side(own: OneSide, samples: Samples) -> Side:
    """Indices -> those samples through the views of a side, one after the other."""
    views = own.modality.views
    chain: list[Callable[..., Any]] = []
    for index, part in enumerate(own.views):
        provided = (*PROVIDED, *samples.given)
        arguments = complete_part(part, views, where=f"{own.prefix}views {index + 1}", provided=provided)
        view = views[part.name]
        takes = inspect.signature(view).parameters
        told = {name: value for name, value in samples.given.items() if name in takes}
        chain.append(partial(view, **arguments, **told))

    def side(index: Tensor, generator: torch.Generator) -> tuple[Any, ...]:
        found = samples.take(index)
        for view, part in zip(chain, own.views, strict=True):
            try:
                found = view(found, generator=generator)
            except UserError:
                raise
            except Exception as error:  # somebody else's view can fail in any way
                got = f"{type(error).__name__}: {one_line(error)}"
                raise must_be("views", f"view {part.name!r}", "able to take these samples", got) from error
        return (found,)

    return side
