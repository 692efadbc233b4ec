"""probe: a run and labelled samples in, how much its vectors know of the labels out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.errors import must_be, nearest
from sgl_rec.evaluation.probes.clustering import clustering
from sgl_rec.evaluation.probes.knn import knn
from sgl_rec.evaluation.probes.linear import linear
from sgl_rec.evaluation.probes.svm import svm
from sgl_rec.pipeline.device import choose_device
from sgl_rec.pipeline.pretrain.build import make_encoder
from sgl_rec.pipeline.pretrain.encode import embed_samples, labelled_samples, one_numbering, read_encoder
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.rng import stream

log = logging.getLogger("sgl_rec")

MOST_RAW_BYTES = 1 << 31
"""Of samples as they are, beyond which they are not probed beside their vectors."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What a probe is given; ``train`` is None where there is one table alone."""

    test: Float[Tensor, "N D"]
    test_label: Int64[Tensor, " N"]
    train: Float[Tensor, "M D"] | None
    train_label: Int64[Tensor, " M"] | None
    k: int
    num_folds: int
    seed: int


def _knn(given: Tables) -> dict[str, float]:
    assert given.train is not None
    assert given.train_label is not None
    return knn(given.test, given.test_label, given.train, given.train_label, k=given.k)


def _linear(given: Tables) -> dict[str, float]:
    assert given.train is not None
    assert given.train_label is not None
    return linear(given.train, given.train_label, given.test, given.test_label)


def _svm(given: Tables) -> dict[str, float]:
    return svm(given.test, given.test_label, num_folds=given.num_folds, generator=stream(given.seed, "svm"))


def _clustering(given: Tables) -> dict[str, float]:
    return clustering(given.test, given.test_label, generator=stream(given.seed, "clustering"))


WITH_TRAIN: Mapping[str, Callable[[Tables], dict[str, float]]] = {"knn": _knn, "linear": _linear}
"""Probes that learn from (or look up) other labelled samples than those they are measured on."""
ALONE: Mapping[str, Callable[[Tables], dict[str, float]]] = {"svm": _svm, "clustering": _clustering}
"""Probes that divide one table themselves, or need no labels to learn from."""


def probe(
    run: str | Path,
    source: str | Path,
    *,
    train: str | Path | None = None,
    probes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    train_settings: Mapping[str, Any] | None = None,
    k: int = 1,
    num_folds: int = 10,
    seed: int = 0,
    device: str = "auto",
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure the vectors of a run's encoder on labelled samples, beside the same encoder untrained.

    Args:
        run: the folder that ``pretrain`` made.
        source: the samples that are measured on.
        train: the samples that ``knn`` looks among and ``linear`` learns from.
        probes: names of ``WITH_TRAIN`` and ``ALONE``; by default all of the one or the other.
        settings, train_settings: values of ``[data]`` over the run's own, for ``source`` and ``train``.
        k: neighbours of ``knn``.
        num_folds: of ``svm``, whose accuracy is their mean.
        seed: of the folds and of the starts of the clusters.

    Returns: {probe: {"trained", "untrained" and, where samples are numbers, "raw": {figure: value}}}.

    Raises: UserError for samples without labels, an unknown probe, a probe that needs ``train`` without it.
    """
    chosen = _chosen(probes, train=train)
    folder = PretrainFolder.open(run)
    test = labelled_samples(folder, source, settings=settings)
    other = None if train is None else labelled_samples(folder, train, settings=train_settings)
    test_label, *rest = one_numbering(test, *([] if other is None else [other]))
    train_label = rest[0] if rest else None
    where = choose_device(device)
    untrained = make_encoder(folder.config, shape=test.shape).to(where)
    tables: dict[str, Callable[[Samples], Tensor]] = {
        "trained": partial(embed_samples, read_encoder(folder).to(where)),
        "untrained": partial(embed_samples, untrained),
    }
    if _are_numbers(test, number=len(test) + (0 if other is None else len(other))):
        tables["raw"] = _raw
    result: dict[str, dict[str, dict[str, float]]] = {name: {} for name in chosen}
    for column, make in tables.items():
        log.info("probing  %s", column)
        rows = Tables(
            make(test), test_label, None if other is None else make(other), train_label, k, num_folds, seed
        )
        for name, work in chosen.items():
            result[name][column] = work(rows)
    return result


def _chosen(probes: Sequence[str], *, train: object) -> dict[str, Callable[[Tables], dict[str, float]]]:
    known = {**WITH_TRAIN, **ALONE}
    for name in probes:
        if name not in known:
            raise must_be("--probe", "name", "a known probe", repr(name), nearest(name, known))
        if name in WITH_TRAIN and train is None:
            raise must_be("--probe", name, "given other samples to learn from", "none", "say --train PATH")
    names = probes or (ALONE if train is None else WITH_TRAIN)
    return {name: known[name] for name in names}


def _are_numbers(samples: Samples, *, number: int) -> bool:
    """Whether samples, so many of them, can stand beside their vectors as they are."""
    first = samples.take(torch.tensor([0]))
    if not isinstance(first, Tensor) or not first.is_floating_point():
        return False
    return first.numel() * number * first.element_size() <= MOST_RAW_BYTES


def _raw(samples: Samples) -> Tensor:
    found: Tensor = samples.take(torch.arange(len(samples)))
    return found.flatten(1)
