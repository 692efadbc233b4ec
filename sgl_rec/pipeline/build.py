"""Config -> objects: the only place that knows which part a name in the config stands for."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from sgl_rec.baselines import BASELINES
from sgl_rec.baselines.log_prior import log_prior
from sgl_rec.config import MOST_CUT_OFF, Config, Part, Score, complete_part, unused
from sgl_rec.encoders import ENCODERS
from sgl_rec.errors import UserError, must_be, nearest, one_line
from sgl_rec.evaluation.metrics import METRICS
from sgl_rec.graph.build import build_graph
from sgl_rec.kernels.backend import using
from sgl_rec.losses import LOSSES, Objective
from sgl_rec.rng import stream
from sgl_rec.training.learner import passes
from sgl_rec.types import Batch, Embeddings, Graph, Interactions, Scorer, Step
from sgl_rec.views import VIEWS

TAKEN = ("epoch", "seconds", "seconds_validation", "loss")
"""Columns of the history that are no term."""

PROVIDED = ("generator", "precision", "item_count", "item_vectors")
"""Arguments of a part that the program gives, not the user."""

_STACK = "\nException raised from"
"""Where torch's messages go on with the calls of its own code."""

DrawViews: TypeAlias = Callable[[int, int], tuple[Graph, ...]]


def resolve(config: Config) -> Config:
    """The config with every part's arguments checked and filled with the part's own defaults."""
    _check_names(config)
    if config.baseline is not None:
        return _resolved_baseline(config)
    update: dict[str, Any] = {"encoder": config.encoder.model_copy(update=_encoder_arguments(config))}
    if config.views is not None:
        update["views"] = config.views.model_copy(update=_view_arguments(config))
    update["loss"] = {
        label: part.model_copy(update=_term_arguments(label, part)) for label, part in config.loss.items()
    }
    if config.late_sum is not None:
        update["late_sum"] = config.late_sum.model_copy(update=_baseline_arguments(*_baseline_part(config)))
    # Parts keep what they take as extra keys, so the copies are validated again.
    resolved = Config.model_validate(config.model_copy(update=update).model_dump())
    _try_parts(resolved)
    if resolved.late_sum is not None:
        _try_baseline(resolved)
    return resolved


def make_baseline(config: Config, data: Interactions, *, vectors: Tensor | None = None) -> Scorer:
    """The method's baseline, or that of its late sum, fitted to ``data``; draws are of the stream "baseline".

    ``vectors`` are of the items' content, for a baseline that takes it.
    """
    part, where = _baseline_part(config)
    make = BASELINES[part.name]
    takes = inspect.signature(make).parameters
    given: dict[str, Any] = {}
    if "generator" in takes:
        given["generator"] = stream(config.training.seed, "baseline")
    if "item_vectors" in takes:
        given["item_vectors"] = vectors
    arguments = _baseline_arguments(part, where)
    with threadpool_limits(torch.get_num_threads(), user_api="blas"):  # NumPy's and SciPy's, as torch's own
        scorer: Scorer = make(data, **arguments, **given)
    return scorer


def takes_content(config: Config) -> bool:
    """Whether the method's baseline, or that of its late sum, compares content of items."""
    if config.baseline is None and config.late_sum is None:
        return False
    return "item_vectors" in inspect.signature(BASELINES[_baseline_part(config)[0].name]).parameters


def check_described(config: Config) -> None:
    """Raises: UserError for a method that compares content of items, without ``[content]``."""
    if config.content is None and takes_content(config):
        part, where = _baseline_part(config)
        advice = "say --item-text COLUMNS, --item-images FOLDER or --item-features FILE"
        raise must_be(f"{where} {part.name!r}", "items", "described by [content]", "nothing", advice)


def make_scorer(config: Config, learnt: Scorer, data: Interactions) -> Scorer:
    """What embeddings score with, by ``[score]``; popularity is that of ``data``. A baseline is left as it is."""
    rule = config.score
    if not isinstance(learnt, Embeddings) or rule == Score():
        return learnt
    count = torch.from_numpy(data.item_degree())
    return log_prior(learnt, count, similarity=rule.similarity, temperature=rule.temperature, weight=rule.prior)


def baseline_memory(config: Config, data: Interactions) -> int:
    """Bytes that fitting the method's baseline takes, if it has one, as far as that can say."""
    if config.baseline is None and config.late_sum is None:
        return 0
    expected = getattr(BASELINES[_baseline_part(config)[0].name], "expected_memory", None)
    fits = 1 if config.training.refit == "none" else 2  # the first stays until the run is written
    return fits * int(expected(data)) if expected is not None else 0


def make_encoder(config: Config, *, num_users: int, num_items: int) -> nn.Module:
    """A fresh encoder, its start drawn from the stream "initial"."""
    generator = stream(config.training.seed, "initial")
    make = ENCODERS[config.encoder.name]
    encoder: nn.Module = make(
        num_users, num_items, **_encoder_arguments(config), **_precision(make, config), generator=generator
    )
    return encoder


def make_objective(config: Config, *, item_count: Tensor | None = None) -> Objective:
    """The weighted terms of ``[loss.*]``; those that ask for ``item_count`` get each item's interactions."""
    terms = {}
    for label, part in config.loss.items():
        make = LOSSES[part.name]
        given = _precision(make, config)
        if "item_count" in inspect.signature(make).parameters:
            given["item_count"] = item_count
        terms[label] = make(**_term_arguments(label, part), **given), part.weight
    return Objective(terms)


def make_views(config: Config, graph: Graph) -> DrawViews:
    """(epoch, step) -> the views of ``graph`` for that step; none without ``[views]``.

    They are drawn from the stream "views/<epoch>", and stand for the whole epoch, or from
    "views/<epoch>/<step>" where the config redraws them at every step.
    """
    if config.views is None:
        return lambda epoch, step: ()
    view, arguments, number = VIEWS[config.views.name], _view_arguments(config), config.views.num_views

    def draw(name: str) -> tuple[Graph, ...]:
        generator = stream(config.training.seed, name)
        return tuple(view(graph, **arguments, generator=generator) for _ in range(number))

    if config.views.redraw == "step":
        return lambda epoch, step: draw(f"views/{epoch}/{step}")
    kept = functools.lru_cache(maxsize=1)(draw)
    return lambda epoch, step: kept(f"views/{epoch}")


def _resolved_baseline(config: Config) -> Config:
    assert config.baseline is not None
    baseline = config.baseline.model_copy(update=_baseline_arguments(*_baseline_part(config)))
    values = config.model_copy(update={"baseline": baseline}).model_dump(exclude=unused(config))
    resolved = Config.model_validate(values)
    _try_baseline(resolved)
    return resolved


def _try_baseline(config: Config) -> None:
    toy = Interactions(np.array([0, 0, 1]), np.array([0, 1, 1]), num_users=2, num_items=2)
    try:
        make_baseline(config, toy, vectors=torch.eye(2)).scores(torch.tensor([0, 1]))
    except UserError:
        raise
    except Exception as error:  # somebody else's part can fail in any way
        raise _broken(f"baseline {_baseline_part(config)[0].name!r}", error) from error


def _baseline_part(config: Config) -> tuple[Part, str]:
    """The baseline a method is, or adds late, and the table it stands in."""
    if config.baseline is not None:
        return config.baseline, "baseline"
    assert config.late_sum is not None
    return config.late_sum, "late_sum"


def _baseline_arguments(part: Part, where: str) -> dict[str, Any]:
    return complete_part(part, BASELINES, where=where, provided=PROVIDED)


def _encoder_arguments(config: Config) -> dict[str, Any]:
    return complete_part(config.encoder, ENCODERS, where="encoder", provided=PROVIDED)


def _term_arguments(label: str, part: Part) -> dict[str, Any]:
    return complete_part(part, LOSSES, where=f"loss.{label}", provided=PROVIDED)


def exponents(config: Config) -> tuple[float, float]:
    """The powers of the degrees that the graph is normalised with."""
    return config.graph.row_exponent, config.graph.column_exponent


def _precision(part: Callable[..., Any], config: Config) -> dict[str, Any]:
    """The precision, for a part that takes it."""
    if "precision" not in inspect.signature(part).parameters:
        return {}
    asked = config.training.precision
    return {"precision": "float32" if asked == "auto" else asked}


def _view_arguments(config: Config) -> dict[str, Any]:
    """The view's arguments; one that makes a graph for each layer is told how many the encoder has."""
    assert config.views is not None
    part = config.views
    encoder = _encoder_arguments(config)
    takes = inspect.signature(VIEWS[part.name]).parameters
    if "num_layers" in takes and "num_layers" not in part.arguments and "num_layers" in encoder:
        part = part.model_copy(update={"num_layers": encoder["num_layers"]})
    return complete_part(part, VIEWS, where="views", provided=PROVIDED)


def cut_off(metric: str) -> int:
    """The K of ``<name>@<K>``."""
    return int(metric.partition("@")[2])


def _try_parts(config: Config) -> None:
    """Parts look at their values when they are made or called: one step on a toy, before a file is written."""
    pairs = Interactions(np.array([0, 1]), np.array([0, 1]), num_users=2, num_items=2)
    graph = build_graph(pairs, exponents=exponents(config))
    batch = Batch(torch.tensor([0, 1]), torch.tensor([0, 1]), torch.tensor([1, 0]))
    part = f"encoder {config.encoder.name!r}"
    try:
        with using("torch"):  # nothing is compiled for it
            encoder: Any = make_encoder(config, num_users=2, num_items=2)
            encoder(graph)
            if config.views is not None:
                part = f"view {config.views.name!r}"
            embeddings, views = passes(encoder, graph, make_views(config, graph)(0, 0))
            part = f"losses {', '.join(repr(term.name) for term in config.loss.values())}"
            objective = make_objective(config, item_count=torch.ones(2, dtype=torch.int64))
            objective(Step(batch, embeddings, encoder.initial(), views))
    except UserError:
        raise
    except Exception as error:  # somebody else's part can fail in any way
        raise _broken(part, error) from error


def _broken(part: str, error: Exception) -> UserError:
    return UserError(
        f"{part}: must work on a graph of two users and two items, got {type(error).__name__}: "
        f"{one_line(str(error).partition(_STACK)[0])}; correct its arguments or the part"
    )


def _check_names(config: Config) -> None:
    """The metric has to be known, and a term must not take the place of a column of the history."""
    name, _, cut = config.training.metric.partition("@")
    if name not in METRICS or not re.fullmatch("[1-9][0-9]{0,5}", cut) or int(cut) > MOST_CUT_OFF:
        raise must_be(
            "training.metric",
            "metric",
            f"<name>@<k> with k from 1 to {MOST_CUT_OFF}",
            repr(config.training.metric),
            "ndcg@20 is usual" if name in METRICS else nearest(name, METRICS),
        )
    for label in config.loss:
        if label in TAKEN:
            raise must_be("loss", "label of a term", f"none of {', '.join(TAKEN)}", repr(label), "rename it")
