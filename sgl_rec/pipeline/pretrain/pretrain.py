"""pretrain: samples and a method in, a run folder with an encoder out."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sgl_rec.encoders.text.hub import HUB, settled
from sgl_rec.errors import must_be
from sgl_rec.evaluation.collapse import collapsed, monitor_rows
from sgl_rec.losses.pair_terms import PairStep
from sgl_rec.pipeline.device import choose_device, environment, set_threads
from sgl_rec.pipeline.new_run import check_out, new_folder
from sgl_rec.pipeline.observers import EpochLog, Observer, log_file
from sgl_rec.pipeline.plugins import loaded_plugins
from sgl_rec.pipeline.pretrain.build import (
    make_batches,
    make_networks,
    make_objective,
    make_schedule,
    read_samples,
)
from sgl_rec.pipeline.pretrain.encode import embed_samples
from sgl_rec.pipeline.pretrain.folder import PretrainFolder
from sgl_rec.pipeline.pretrain.mine import with_negatives
from sgl_rec.pipeline.pretrain.modality import MODALITIES, Modality, Samples
from sgl_rec.pretrain_config import PretrainConfig, parse_pretrain, pretrain_method_file
from sgl_rec.settings import flat, merge, read_toml
from sgl_rec.training.interrupt import catch_signals
from sgl_rec.training.loop import Trainer
from sgl_rec.training.pair_learner import PairLearner, PairNetworks

log = logging.getLogger("sgl_rec")

MONITORED = 1024
"""Samples whose projections, which the loss sees, are looked at after an epoch; evenly spaced."""
PATIENCE = 3
"""Collapsed epochs in a row that are warned of."""


def pretrain(
    modality: str,
    source: str | Path,
    *,
    method: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
    observer: Observer | None = None,
) -> PretrainFolder:
    """Train an encoder on samples without labels (or with them, where the loss asks), and return its run.

    Args:
        modality: ``vision``, ``text``, ``image-text``, ``graph``, or one that a package adds.
        source: a folder or a zip file of images, a file of texts, a table of images and their texts, a TU folder
            of graphs.
        method: a shipped method or a ``.toml`` file; by default the modality's own, ``simclr`` for images.
        out: the run folder; by default a new one under ``runs/``.
        overwrite: replace a run that is at ``out``.
        config, settings: a TOML file, and values, over the method's.
        device, threads, observer: as for ``train``.

    Raises: UserError (a ValueError) for a wrong name, path, key or value.
    """
    check_out(out, overwrite=overwrite, kind=PretrainFolder)
    set_threads(threads)
    ready = make_ready(
        modality, source, method=method, config=config, settings=settings, device=choose_device(device)
    )
    names = {"source": ready.config.data.source, "method": ready.config.method}
    return start(ready, new_folder(out, **names, overwrite=overwrite, kind=PretrainFolder), observer=observer)


@dataclass(frozen=True, eq=False)
class Ready:
    """What a run is made of, before it has a folder."""

    config: PretrainConfig
    samples: Samples
    device: torch.device


def make_ready(
    modality: str,
    source: str | Path,
    *,
    method: str | None,
    config: str | Path | None,
    settings: Mapping[str, Any] | None,
    device: torch.device,
) -> Ready:
    """Resolve the config, read the samples and try one step. Raises: UserError as ``pretrain``."""
    resolved = resolve(modality, source, method=method, config=config, settings=settings)
    samples = read_samples(resolved)
    for note in samples.notes:  # before a step is tried, which too few that are left may fail
        log.warning("%s", note)
    samples = with_negatives(resolved, samples, device=device)
    _try(resolved, samples, device)
    return Ready(resolved, samples, device)


def start(ready: Ready, folder: PretrainFolder, *, observer: Observer | None = None) -> PretrainFolder:
    """Train in ``folder``, whose earlier run goes."""
    with folder.writing():
        folder.clear()
        folder.checkpoints.mkdir()
        about: dict[str, Any] = {
            "samples_sha256": ready.samples.sha256,
            "negatives_sha256": _sha256_of_negatives(ready.samples),
        }
        folder.write_environment({**environment(ready.device), **about})
        folder.write_kept(ready.samples.kept)
        folder.write_config(ready.config)
        return _run(folder, ready.samples, device=ready.device, observer=observer)


def resume_pretrain(
    path: str | Path, *, device: str | None = None, threads: int | None = None, observer: Observer | None = None
) -> PretrainFolder:
    """Go on with an interrupted run from its last checkpoint; the samples have to be where they were.

    Raises: UserError when there is no run, a file of it is damaged, or the samples are others.
    """
    folder = PretrainFolder.open(path)
    before = folder.read_json(folder.environment_file)
    chosen = choose_device(device or str(before.get("device", "auto")))
    set_threads(threads or (int(before["threads"]) if str(before.get("threads", "")).isdigit() else None))
    samples = read_samples(folder.config, kept=folder.kept)
    if samples.sha256 != before.get("samples_sha256"):
        raise must_be(str(folder.config.data.source), "the samples", "those the run began with", "others")
    if not folder.is_finished():
        samples = with_negatives(folder.config, samples, device=chosen)
        if _sha256_of_negatives(samples) != before.get("negatives_sha256"):
            advice = "go on with the device, the threads and the files that it began with"
            raise must_be(str(folder.path), "the hard negatives", "those the run began with", "others", advice)
    with folder.writing():
        return _run(folder, samples, device=chosen, observer=observer)


def resolve(
    modality: str,
    source: str | Path,
    *,
    method: str | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> PretrainConfig:
    """The config of a run: the method's file, ``config`` and ``settings`` over it."""
    kind: Modality = MODALITIES[modality]
    file = pretrain_method_file(method or kind.method, modality=modality)
    values = merge(read_toml(file), {} if config is None else read_toml(Path(config)))
    given_otherwise = {"modality", "method", "plugins", "data.source"} & dict(flat(settings or {})).keys()
    if given_otherwise:
        key, advice = min(given_otherwise), "it is an argument of the command"
        raise must_be("--set", key, "left out of the settings", "one", advice)
    values = merge(values, settings or {})
    given: dict[str, Any] = {
        "method": values.get("method", file.stem),
        "modality": modality,
        "plugins": list(loaded_plugins()),
        "data": {"source": str(Path(source).absolute())},
    }
    for table, key in (("encoder", "folder"), ("second_encoder", "folder"), ("data", "tokenizer")):
        part = values.get(table)
        name = part.get(key) if isinstance(part, Mapping) else None
        if isinstance(name, str) and (key == "folder" or name.startswith(HUB)):
            given.setdefault(table, {})[key] = settled(name, where=f"{table}.{key}")
    return parse_pretrain(merge(values, given), where=f"config of {file.stem}")


def _try(config: PretrainConfig, samples: Samples, device: torch.device) -> None:
    """One step, before a folder is made: parts look at their values when they are called."""
    batches = make_batches(config, samples, device=device)
    networks = _networks(config, samples, num_steps=1).to(device)
    learner = _learner(config, networks, samples)
    learner.objective.to(device)
    learner.backward(batches.epoch(0).batch(0), ())


def _networks(config: PretrainConfig, samples: Samples, *, num_steps: int) -> PairNetworks:
    second = samples.other_side.shape
    return make_networks(config, shape=samples.shape, second_shape=second, num_steps=num_steps)


def _learner(config: PretrainConfig, networks: PairNetworks, samples: Samples) -> PairLearner:
    some = torch.arange(len(samples))[:: -(-len(samples) // MONITORED)]

    def embed(trained: PairNetworks) -> Tensor:
        return embed_samples(trained.towers[0], samples, some)

    return PairLearner(
        networks,
        make_objective(config, width=networks.width),
        make_step=PairStep,
        embed=embed,
        chunk_size=config.training.chunk_size,
    )


def _sha256_of_negatives(samples: Samples) -> str | None:
    """Of those that were found: they are found again at a resume, by products of floats."""
    if samples.unlike is None or samples.negative is None:
        return None
    found = samples.negative(torch.arange(len(samples)))
    return hashlib.sha256(found.numpy().tobytes()).hexdigest()


def _counts(samples: Samples) -> dict[str, int]:
    """What is learnt from, where it is not all the samples; and what hard negatives were chosen out of."""
    counts = {} if samples.learnt is None else {"learnt_from": len(samples.learnt)}
    return counts if samples.unlike is None else {**counts, "hard_negatives_among": len(samples.unlike)}


class _Monitor:
    """Figures of every epoch's projections, and a warning at the third in a row that has collapsed.

    Not at the first: the running means of batch norm, which these are made with, need some steps to be means.
    """

    def __init__(self) -> None:
        self._in_a_row = 0

    def __call__(self, rows: Tensor) -> dict[str, float]:
        if not torch.isfinite(rows).all():  # the last step of an epoch may be the one that diverged
            advice = "lower training.learning_rate or raise the temperature"
            raise must_be("training", "projections", "finite", "nan or infinity", advice)
        found = monitor_rows(rows)
        wrong = collapsed(found, width=rows.shape[1])
        self._in_a_row = self._in_a_row + 1 if wrong else 0
        if wrong and self._in_a_row == PATIENCE:
            advice = "lower the learning rate, or use a loss with negatives"
            log.warning("collapse: %s; %s", wrong.replace("embeddings", "projections"), advice)
        return found


def _run(
    folder: PretrainFolder, samples: Samples, *, device: torch.device, observer: Observer | None
) -> PretrainFolder:
    config = folder.config
    training = config.training
    with log_file(folder.log_file), catch_signals() as stop:
        if folder.is_finished():
            log.info("%s is finished; nothing is left to do", folder.path)
            return folder
        labelled = "no labels" if samples.label is None else f"{len(samples.classes)} classes"
        log.info("method   %s", config.method)
        log.info("samples  %s from %s, %s", f"{len(samples):,}", config.data.source, labelled)
        counts = _counts(samples)
        for name, number in counts.items():
            log.info("         %s: %s", name.replace("_", " "), f"{number:,}")
        if given := config.data.arguments:
            log.info("read by  %s", ", ".join(f"{key}={value}" for key, value in sorted(given.items())))
        log.info("device   %s, threads %d", device, torch.get_num_threads())
        batches = make_batches(config, samples, device=device)
        steps = batches.num_steps * training.max_epochs
        networks = _networks(config, samples, num_steps=steps).to(device)
        learner = _learner(config, networks, samples)
        learner.objective.to(device)
        trainer = Trainer(
            learner,
            batches=batches,
            learning_rate=training.learning_rate,
            max_epochs=training.max_epochs,
            schedule=make_schedule(config, num_steps=batches.num_steps),
            monitor=_Monitor(),
            checkpoint=folder.checkpoints / "pretrain.safetensors",
            observer=EpochLog(observer, stage="pretrain", metric=""),
            stop=stop,
        )
        fitted = trainer.fit()
        about = {"method": config.method, "epoch": fitted.epoch, "shape": list(samples.shape)}
        about["second_shape"] = list(samples.other_side.shape)
        folder.write_model(fitted.parameters, about)
        metrics = {
            "method": config.method,
            "modality": config.modality,
            "samples": len(samples),
            **counts,
            "samples_sha256": samples.sha256,
            "left_out": len(samples.notes),
            "epoch": fitted.epoch,
            "seconds": sum(row["seconds"] for row in fitted.history),
            "environment": folder.read_json(folder.environment_file),
        }
        folder.write_outcome(fitted.history, metrics)
    return folder
