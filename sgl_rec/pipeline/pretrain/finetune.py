"""finetune: what the start that ``pretrain`` made is worth when a few labels are there, beside a random start."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.figures import classification_figures
from sgl_rec.pipeline.device import choose_device
from sgl_rec.pipeline.pretrain.build import make_encoder, make_side
from sgl_rec.pipeline.pretrain.encode import embed_samples, labelled_samples, one_numbering, read_encoder
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.sides import one_side
from sgl_rec.rng import stream
from sgl_rec.training.class_learner import Classifier, ClassLearner, LabelledBatches
from sgl_rec.training.loop import Trainer
from sgl_rec.training.schedule import cosine

log = logging.getLogger("sgl_rec")


def finetune(
    run: str | Path,
    source: str | Path,
    *,
    train: str | Path,
    shares: Sequence[float] = (0.01, 0.1, 1.0),
    settings: Mapping[str, Any] | None = None,
    train_settings: Mapping[str, Any] | None = None,
    num_steps: int = 300,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: str = "auto",
) -> dict[str, dict[str, dict[str, float]]]:
    """Train a classifier from the run's encoder, and from its start before training, on a share of the labels.

    Both see the same samples in the same order through the views of the run, for the same number of steps at a
    learning rate that falls on a cosine; what is measured is the state after the last one.

    Args:
        run: the folder that ``pretrain`` made.
        source: the samples that are measured on.
        train: the samples that are learnt from.
        shares: of the labels of each class, in (0, 1]; at least one label a class.
        settings, train_settings: values of ``[data]`` over the run's own, for ``source`` and ``train``.
        num_steps: at least so many, in whole epochs.
        seed: of which labels, the order and the views.

    Returns: {share: {"pretrained" and "scratch": accuracy, precision, recall, F1, and ``labels``, their number}}.

    Raises: UserError for samples without labels, and values out of range.
    """
    for name, value in (("num_steps", num_steps), ("batch_size", batch_size)):
        if value < 1:
            raise must_be("finetune", name, "at least 1", value)
    for share in shares:
        if not 0 < share <= 1:
            raise must_be("finetune", "share of labels", "in (0, 1]", share)
    folder = PretrainFolder.open(run)
    test = labelled_samples(folder, source, settings=settings)
    known = labelled_samples(folder, train, settings=train_settings)
    test_label, train_label = one_numbering(test, known)
    num_classes = int(torch.cat([test_label, train_label]).max()) + 1
    side = make_side(one_side(folder.config, "first"), known)
    result: dict[str, dict[str, dict[str, float]]] = {}
    for share in shares:
        index = some_of_each(train_label, share=share, generator=stream(seed, "labels"))
        result[f"{share:g}"] = {}
        for column in ("pretrained", "scratch"):
            log.info("finetune %g of the labels (%s), %s", share, f"{len(index):,}", column)
            pretrained = column == "pretrained"
            encoder = read_encoder(folder) if pretrained else make_encoder(folder.config, shape=known.shape)
            model = Classifier(encoder, num_classes=num_classes).to(choose_device(device))
            batches = LabelledBatches(
                side, index=index, label=train_label[index], batch_size=batch_size, seed=seed,
                device=choose_device(device),
            )  # fmt: skip
            _fit(model, batches, num_steps=num_steps, learning_rate=learning_rate)
            figures = classification_figures(embed_samples(model, test).argmax(1), test_label)
            result[f"{share:g}"][column] = {**figures, "labels": float(len(index))}
    return result


def some_of_each(label: Int64[Tensor, " N"], *, share: float, generator: torch.Generator) -> Int64[Tensor, " S"]:
    """Places of a random share of every class, rounded, of each at least one.

    Example:
        >>> label = torch.tensor([0, 0, 0, 0, 1, 1])
        >>> label[some_of_each(label, share=0.5, generator=torch.Generator().manual_seed(0))].tolist()
        [0, 0, 1]
    """
    order = torch.randperm(len(label), generator=generator)
    chosen = []
    for own in torch.unique(label):
        places = order[label[order] == own]
        chosen.append(places[: max(1, round(share * len(places)))])
    return torch.cat(chosen)


def _fit(model: Classifier, batches: LabelledBatches, *, num_steps: int, learning_rate: float) -> None:
    epochs = -(-num_steps // batches.num_steps)
    Trainer(
        ClassLearner(model),
        batches=batches,
        learning_rate=learning_rate,
        max_epochs=epochs,
        schedule=cosine(learning_rate, num_steps=epochs * batches.num_steps),
    ).fit()
