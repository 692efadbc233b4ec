"""probe: a run and samples of which something is known in, how much its vectors know of it out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.errors import must_be, nearest
from sgl_rec.evaluation.probes.clustering import clustering
from sgl_rec.evaluation.probes.knn import knn
from sgl_rec.evaluation.probes.linear import linear
from sgl_rec.evaluation.probes.retrieval import retrieval
from sgl_rec.evaluation.probes.sts import sts
from sgl_rec.evaluation.probes.svm import svm
from sgl_rec.evaluation.probes.zero_shot import class_embeddings, zero_shot
from sgl_rec.pipeline.device import choose_device
from sgl_rec.pipeline.pretrain.encode import (
    check_labelled,
    embed_samples,
    fresh_embedder,
    one_numbering,
    other_samples,
    read_embedder,
)
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.modality import Samples
from sgl_rec.pipeline.pretrain.sides import Which
from sgl_rec.rng import stream

log = logging.getLogger("sgl_rec")

MOST_RAW_BYTES = 1 << 31
"""Of samples as they are, beyond which they are not probed beside their vectors."""


@dataclass(frozen=True, eq=False)
class Tables:
    """What a probe is given: vectors of samples, of other ones where there are any, and what is known of them.

    ``sample`` is one number for the rows that are of one sample by its name: an image with several texts.
    ``pair`` has the vectors of the second sides of ``test``, ``prompt`` those of the prompts of each class, and
    ``score`` says how alike the two sides are.
    """

    test: Float[Tensor, "N D"]
    sample: Int64[Tensor, " N"]
    train: Float[Tensor, "M D"] | None
    pair: Float[Tensor, "N D"] | None
    test_label: Int64[Tensor, " N"] | None
    train_label: Int64[Tensor, " M"] | None
    score: Float[Tensor, " N"] | None
    prompt: Float[Tensor, "C P D"] | None
    k: int
    num_folds: int
    seed: int


def _knn(given: Tables) -> dict[str, float]:
    return knn(given.test, _there(given.test_label), _there(given.train), _there(given.train_label), k=given.k)


def _linear(given: Tables) -> dict[str, float]:
    return linear(_there(given.train), _there(given.train_label), given.test, _there(given.test_label))


def _svm(given: Tables) -> dict[str, float]:
    generator = stream(given.seed, "svm")
    return svm(given.test, _there(given.test_label), num_folds=given.num_folds, generator=generator)


def _clustering(given: Tables) -> dict[str, float]:
    return clustering(given.test, _there(given.test_label), generator=stream(given.seed, "clustering"))


def _sts(given: Tables) -> dict[str, float]:
    return sts(given.test, _there(given.pair), _there(given.score))


def _retrieval(given: Tables) -> dict[str, float]:
    first, second, own = given.test, _there(given.pair), given.sample
    there, back = (
        retrieval(query, gallery, query_id=own, gallery_id=own)
        for query, gallery in ((first, second), (second, first))
    )
    return there | {f"{name} back": value for name, value in back.items()}


def _zero_shot(given: Tables) -> dict[str, float]:
    classes = class_embeddings(_there(given.prompt))
    generator = stream(given.seed, "zero_shot")
    return zero_shot(given.test, _there(given.test_label), classes, generator=generator)


def _there(value: Tensor | None) -> Tensor:
    assert value is not None, "what a probe needs is asked for before"
    return value


class _Probe(NamedTuple):
    """A probe, and what samples must have for it."""

    work: Callable[[Tables], dict[str, float]]
    labels: bool = False
    train: bool = False
    pairs: bool = False
    scores: bool = False
    prompts: bool = False


PROBES: Mapping[str, _Probe] = {
    "knn": _Probe(_knn, labels=True, train=True),
    "linear": _Probe(_linear, labels=True, train=True),
    "svm": _Probe(_svm, labels=True),
    "clustering": _Probe(_clustering, labels=True),
    "sts": _Probe(_sts, pairs=True, scores=True),
    "retrieval": _Probe(_retrieval, pairs=True),
    "zero_shot": _Probe(_zero_shot, labels=True, prompts=True),
}


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
    prompts: Sequence[str] = (),
    device: str = "auto",
) -> dict[str, dict[str, dict[str, float]]]:
    """Measure the vectors of a run's encoder on samples of which something is known, beside its first ones.

    Args:
        run: the folder that ``pretrain`` made.
        source: the samples that are measured on.
        train: the samples that ``knn`` looks among and ``linear`` learns from.
        probes: ``knn``, ``linear``, ``svm``, ``clustering`` of labels; ``sts`` of scored pairs, ``retrieval`` of
            pairs, both ways (of several texts of an image any will do); ``zero_shot`` of labels that are told by
            ``prompts``. By default, of pairs the one that fits, and ``zero_shot`` with prompts; of labels two
            with ``train``, the others without.
        settings, train_settings: values of ``[data]`` over the run's own, for ``source`` and ``train``.
        k: neighbours of ``knn``.
        num_folds: of ``svm``, whose accuracy is their mean.
        seed: of the folds, of the starts of the clusters and of the interval of ``zero_shot``.
        prompts: texts in which ``{}`` stands for the name of a class; a class is the mean of its prompts.

    Returns: {probe: {column: {figure: value}}}, the columns "trained", "before" (as training began) and, where
        samples are numbers, "raw".

    Raises: UserError for an unknown probe, a prompt without ``{}``, and samples without what a probe needs.
    """
    for prompt in prompts:
        if "{}" not in prompt:
            raise must_be("--prompt", "it", "a text with {} where the class stands", repr(prompt))
    for name in probes:
        if name not in PROBES:
            raise must_be("--probe", "name", "a known probe", repr(name), nearest(name, PROBES))
    folder = PretrainFolder.open(run)
    test = other_samples(folder, source, settings=settings)
    other = None if train is None else other_samples(folder, train, settings=train_settings)
    chosen = probes or _fitting(test, other, prompts)
    for name in chosen:
        _check(name, test, other, source=source, train_source=train, prompts=prompts)
    labels = [one for one in (test, other) if one is not None and one.label is not None]
    numbered = dict(zip(map(id, labels), one_numbering(*labels), strict=True))
    where = choose_device(device)
    prompted = _prompted(test, prompts)
    number = len(test) + (0 if other is None else len(other))
    result: dict[str, dict[str, dict[str, float]]] = {name: {} for name in chosen}
    for column, make in _columns(folder, test, device=where, number=number).items():
        log.info("probing  %s", column)
        told = None if prompted is None else make(prompted, "second")
        rows = Tables(
            test=make(test, "first"),
            sample=one_by_name(test.names),
            train=None if other is None else make(other, "first"),
            pair=None if test.other is None else make(test.other_side, "second"),
            test_label=numbered.get(id(test)),
            train_label=numbered.get(id(other)),
            score=test.score,
            prompt=None if told is None else told.view(len(test.classes), len(prompts), -1),
            k=k,
            num_folds=num_folds,
            seed=seed,
        )
        for name in chosen:
            result[name][column] = PROBES[name].work(rows)
    return result


def one_by_name(names: Sequence[str]) -> Int64[Tensor, " N"]:
    """A number for each, the same for those of one name.

    Example:
        >>> one_by_name(["cat.png", "dog.png", "cat.png"])
        tensor([0, 1, 0])
    """
    number: dict[str, int] = {}
    return torch.tensor([number.setdefault(name, len(number)) for name in names])


def _columns(
    folder: PretrainFolder, test: Samples, *, device: torch.device, number: int
) -> dict[str, Callable[[Samples, Which], Tensor]]:
    """What is set side by side: (samples, the side they are of) -> their vectors, of so many samples."""
    shapes = {"first": test.shape, "second": test.other_side.shape}
    which: tuple[Which, ...] = ("first", "second")
    trained = {side: read_embedder(folder, side).to(device) for side in which}
    before = {side: fresh_embedder(folder.config, shape=shapes[side], which=side).to(device) for side in which}
    columns: dict[str, Callable[[Samples, Which], Tensor]] = {
        "trained": lambda samples, side: embed_samples(trained[side], samples),
        "before": lambda samples, side: embed_samples(before[side], samples),
    }
    if test.second is None and _are_numbers(test, number=number):
        columns["raw"] = lambda samples, side: _raw(samples)
    return columns


def _prompted(test: Samples, prompts: Sequence[str]) -> Samples | None:
    """The prompts of the first class, of the second and so on, as samples of the second side."""
    words = test.other_side.words
    if words is None or not prompts or test.label is None:
        return None
    texts = [prompt.replace("{}", name) for name in test.classes for prompt in prompts]
    tokens = words(texts)
    return replace(test.other_side, take=lambda index: tokens[index], names=tuple(texts))


def _fitting(test: Samples, train: Samples | None, prompts: Sequence[str]) -> list[str]:
    """The probes where none is named."""
    asked = ["zero_shot"] if prompts else []
    if test.score is not None:
        return ["sts"]
    if test.other is not None:
        return ["retrieval", *asked]
    if asked:
        return asked
    return ["svm", "clustering"] if train is None else ["knn", "linear"]


def _check(
    name: str,
    test: Samples,
    train: Samples | None,
    *,
    source: object,
    train_source: object,
    prompts: Sequence[str],
) -> None:
    """Raises: UserError where samples have not what the probe needs."""
    asked = PROBES[name]
    if asked.train and train is None:
        raise must_be("--probe", name, "given other samples to learn from", "none", "say --train PATH")
    for samples, where in ((test, source), (train, train_source)):
        if asked.labels and samples is not None:
            check_labelled(samples, source=where)
    if asked.labels and len(test.classes) < 2:
        raise must_be(str(source), "classes", "at least 2", len(test.classes))
    if asked.train and train is not None and not set(test.classes) & set(train.classes):
        got = f"{test.classes[0]!r} and {train.classes[0]!r} among others"
        raise must_be(str(train_source), "classes", f"some of those of {source}", got)
    if asked.pairs and test.other is None:
        raise must_be(str(source), "samples", f"pairs, for {name}", "none", "name the column of the second side")
    if asked.prompts and not prompts:
        raise must_be("--probe", name, "given prompts", "none", "say --prompt 'a picture of {}'")
    if asked.prompts and test.other_side.words is None:
        raise must_be(str(source), "samples", f"texts or pairs with texts, for {name}", "none of them")
    if asked.scores and test.score is None:
        raise must_be(str(source), "pairs", f"scored, for {name}", "no scores", "name the column of scores")
    if asked.scores and test.score is not None and bool((test.score == test.score[0]).all()):
        raise must_be(str(source), "scores", "of at least two values", "one value")


def _are_numbers(samples: Samples, *, number: int) -> bool:
    """Whether samples, so many of them, can stand beside their vectors as they are."""
    first = samples.take(torch.tensor([0]))
    if not isinstance(first, Tensor) or not first.is_floating_point():
        return False
    return first.numel() * number * first.element_size() <= MOST_RAW_BYTES


def _raw(samples: Samples) -> Tensor:
    found: Tensor = samples.take(torch.arange(len(samples)))
    return found.flatten(1)
