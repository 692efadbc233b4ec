"""train: a data set and a method in, a run folder with a measured model out."""

from __future__ import annotations

import functools
import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import torch
from torch import Tensor

from sgl_rec.config import Config
from sgl_rec.data.batches import Batches
from sgl_rec.evaluation.evaluate import Evaluation
from sgl_rec.graph.build import build_graph
from sgl_rec.kernels.backend import KNOWN, choose, using
from sgl_rec.pipeline.baseline import BaselineStage, FittedBaseline
from sgl_rec.pipeline.build import cut_off, exponents, make_encoder, make_objective, make_scorer, make_views
from sgl_rec.pipeline.content.stage import ContentStage
from sgl_rec.pipeline.device import choose_device, environment, set_threads
from sgl_rec.pipeline.late import Late, add_late, choose_late
from sgl_rec.pipeline.measure import figures, joined, popularity_baseline, validation
from sgl_rec.pipeline.memory import kept_memory
from sgl_rec.pipeline.new_run import check_out, new_folder
from sgl_rec.pipeline.observers import EpochLog, Monitor, log_file
from sgl_rec.pipeline.prepare import Prepared, description, prepare
from sgl_rec.pipeline.run import Run
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.pipeline.warm_start import WarmStart
from sgl_rec.settings import merge
from sgl_rec.training.interrupt import StopRequest, catch_signals
from sgl_rec.training.learner import GraphLearner
from sgl_rec.training.loop import Fitted, Observer, Trainer
from sgl_rec.training.stopping import EarlyStopping
from sgl_rec.types import Graph, Interactions, Scorer, Split

log = logging.getLogger("sgl_rec")

SCORING = "measuring on the test part"
"""Logged each time the test part is about to be scored, so that the looks at it can be counted."""

Validate: TypeAlias = Callable[[Scorer], Mapping[str, float]]
AnyFit: TypeAlias = Fitted | FittedBaseline


def train(
    dataset: str | Path | pd.DataFrame | None = None,
    *,
    method: str | None = None,
    split: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    warm_start: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    observer: Observer | None = None,
) -> Run:
    """Train a method on a data set, measure it, and return the run.

    Args:
        dataset: a name of the catalogue, a path, or a DataFrame with ``user_id`` and ``item_id``; by default
            what ``settings`` or ``config`` say, else ``demo``.
        method: a shipped method (``sgl-rec methods``) or a ``.toml`` file; by default ``sgl-ed``, in the same
            way.
        split: ``random`` (the default, in the same way), ``leave-last-<n>``, ``global-time``,
            ``cold-items``, or the name of a fixed split.
        out: the run folder; by default a new one under ``runs/``.
        overwrite: replace a run that is at ``out``.
        config: a TOML file whose values go over the method's.
        settings: ``{"training": {"max_epochs": 5}}``, over everything else.
        warm_start: a finished run whose embeddings of the users and items it knows are the start.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``.
        threads: CPU threads; by default one for each core the process has.
        observer: is told of every step and epoch.

    Raises: UserError (a ValueError) for a wrong name, path, key or value.

    Example:
        >>> import tempfile, sgl_rec
        >>> fast = {"training": {"max_epochs": 1}, "encoder": {"embedding_dim": 8}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = sgl_rec.train("demo", out=f"{folder}/run", settings=fast, threads=1)
        ...     len(run.recommend([1, 2], k=5))
        10
    """
    check_out(out, overwrite=overwrite, kind=RunFolder)
    chosen = choose_device(device)
    set_threads(threads)
    if warm_start is not None:
        settings = merge(settings or {}, {"training": {"warm_start": str(warm_start)}})
    prepared = prepare(dataset, method=method, split=split, config=config, settings=settings, device=chosen)
    name, how = prepared.config.data.dataset, prepared.config.method
    folder = new_folder(out, source=name, method=how, overwrite=overwrite, kind=RunFolder)
    return start(prepared, folder, device=chosen, observer=observer)


def start(
    prepared: Prepared, folder: RunFolder, *, device: torch.device, observer: Observer | None = None
) -> Run:
    """Write what a resume needs into a new run folder, and run all stages."""
    with folder.writing():
        folder.clear()
        folder.checkpoints.mkdir()
        folder.write_data(prepared.dataset, prepared.split)
        folder.write_environment(_facts(prepared.config, device))
        if prepared.warm is not None:
            prepared.warm.save(folder.warm_file)
        if prepared.content is not None:
            folder.write_content(prepared.content)
        folder.write_config(prepared.config)
        with log_file(folder.log_file):
            for line in description(prepared, device=device).splitlines():
                log.info("%s", line)
        return _run(folder, device=device, observer=observer)


def resume(
    path: str | Path,
    *,
    device: str | None = None,
    threads: int | None = None,
    observer: Observer | None = None,
) -> Run:
    """Go on with an interrupted run from its last checkpoint, from its folder alone.

    On the CPU with the same machine, versions and threads the result has the same bits as an undisturbed run;
    a change of these is warned of.

    Args:
        device, threads: by default those the run was started with.

    Raises: UserError when there is no run, or a file of it is damaged.
    """
    folder = RunFolder.open(path)
    before = folder.read_json(folder.environment_file)
    chosen = choose_device(device or str(before.get("device", "auto")))
    same_threads = int(before["threads"]) if str(before.get("threads", "")).isdigit() else None
    set_threads(threads or same_threads)
    for key, value in _facts(folder.config, chosen).items():
        if before.get(key) != value:
            log.warning("resume: %s was %s, now %s; the bits may differ", key, before.get(key), value)
    with folder.writing():
        return _run(folder, device=chosen, observer=observer)


def _facts(config: Config, device: torch.device) -> dict[str, str]:
    """What the bits of a run depend on, its kernels among it. Raises: UserError where these cannot run."""
    backend = choose(config.training.backend, device, having=KNOWN)
    return {**environment(device), "backend": backend}


def _run(folder: RunFolder, *, device: torch.device, observer: Observer | None) -> Run:
    """The stages of a run. Each has its own checkpoint, so a resume simply runs them all again."""
    config, split = folder.config, folder.data.split
    with log_file(folder.log_file), catch_signals() as stop:
        if folder.is_finished():
            log.info("%s is finished; nothing is left to do", folder.path)
            return Run(folder)
        content = ContentStage(config, split, folder.content, stop)
        stage: _Stage | BaselineStage = _Stage(
            config,
            split,
            device=device,
            observer=observer,
            stop=stop,
            checkpoints=folder.checkpoints,
            warm=functools.partial(WarmStart.load, folder.warm_file),
        )
        if config.baseline is not None:
            stage = BaselineStage(config, split, stop=stop, vectors=content.vectors)
        chosen = stage.search()
        late = choose_late(config, chosen.scorer, split, vectors=content.vectors)
        content.choose(chosen.embeddings, late.scorer)
        trained_on: tuple[str, ...] = ("train",)
        model = chosen
        if config.training.refit == "valid":
            trained_on = ("train", "valid")
            model = stage.refit("refit", trained_on, epochs=chosen.epoch)
        per_user: list[Evaluation] = []
        metrics = _summary(
            folder, chosen, model, trained_on, late=late, content=content, on_measured=per_user.append
        )
        if config.training.refit == "all":
            trained_on = tuple(name for name in ("train", "valid", "test") if len(split.parts()[name]))
            model = stage.refit("refit-all", trained_on, epochs=chosen.epoch)
        about = {
            "trained_on": trained_on,
            "epoch": chosen.epoch,
            "method": config.method,
            "late_weight": late.weight,
            **content.about,
        }
        content.place(model.embeddings, trained_on)
        folder.write_model(model.parameters, model.embeddings, about, placement=content.placement)
        for measured in per_user:
            folder.write_users(measured.per_user, measured.users)
        folder.write_outcome(chosen.history, {**metrics, "model_trained_on": list(trained_on)})
    return Run(folder)


def search(
    config: Config,
    split: Split,
    *,
    device: torch.device,
    observer: Observer | None,
    stop: StopRequest,
    warm: Callable[[], WarmStart | None],
    vectors: Tensor | None = None,
) -> AnyFit:
    """The first stage of a run alone: fit on ``train``, and validation chooses the epoch. Nothing is written."""
    if config.baseline is not None:
        return BaselineStage(config, split, stop=stop, vectors=vectors).search()
    stage = _Stage(
        config,
        split,
        device=device,
        observer=observer,
        stop=stop,
        checkpoints=None,
        warm=warm,
        level=logging.DEBUG,
    )
    return stage.search()


class _Stage:
    """One fit of a run: on which parts, for how long, with which checkpoint (none without ``checkpoints``)."""

    def __init__(
        self,
        config: Config,
        split: Split,
        *,
        device: torch.device,
        observer: Observer | None,
        stop: StopRequest,
        checkpoints: Path | None,
        warm: Callable[[], WarmStart | None],
        level: int = logging.INFO,
    ) -> None:
        self.config, self.split, self.device, self.level = config, split, device, level
        self.observer, self.stop, self.checkpoints, self.warm = observer, stop, checkpoints, warm

    def search(self) -> Fitted:
        """Train on ``train``; validation chooses the epoch."""
        settings, ks = self.config.training, self.config.evaluation.k
        if not len(self.split.valid):
            log.warning("no validation interactions: training for all %d epochs", settings.max_epochs)
            return self._fit("search", ("train",), epochs=settings.max_epochs)
        validate = validation(self.split, ks=sorted({*ks, cut_off(settings.metric)}))
        floor = validate(popularity_baseline(self.split, ("train",)))[settings.metric]
        stopping = EarlyStopping(patience=settings.patience, floor=floor, warmup=settings.warmup)
        return self._fit("search", ("train",), epochs=settings.max_epochs, validate=validate, stopping=stopping)

    def refit(self, name: str, parts: tuple[str, ...], *, epochs: int) -> Fitted:
        """Train afresh on ``parts`` for a number of epochs that is already chosen."""
        log.info("%s: training on %s for %d epochs", name, " + ".join(parts), epochs)
        return self._fit(name, parts, epochs=epochs)

    def _fit(
        self,
        name: str,
        parts: tuple[str, ...],
        *,
        epochs: int,
        validate: Validate | None = None,
        stopping: EarlyStopping | None = None,
    ) -> Fitted:
        settings, data = self.config.training, joined(self.split, parts)
        if validate is not None:
            validate = _scored(validate, self.config, data)
        graph = build_graph(data, exponents=exponents(self.config), device=self.device)
        checkpoint = None if self.checkpoints is None else self.checkpoints / f"{name}.safetensors"
        encoder = make_encoder(self.config, num_users=data.num_users, num_items=data.num_items).to(self.device)
        if settings.warm_start and not (checkpoint is not None and checkpoint.is_file()):
            self._begin_warm(encoder, graph, validate)
        objective = make_objective(self.config, item_count=torch.from_numpy(data.item_degree())).to(self.device)
        trainer = Trainer(
            GraphLearner(encoder, objective, graph=graph, draw_views=make_views(self.config, graph)),
            batches=Batches(data, batch_size=settings.batch_size, seed=settings.seed, device=self.device),
            learning_rate=settings.learning_rate,
            max_epochs=epochs,
            validate=validate,
            validate_every=settings.validate_every,
            monitor=None if validate is None else Monitor(data),
            metric=settings.metric,
            stopping=stopping,
            checkpoint=checkpoint,
            observer=EpochLog(self.observer, stage=name, metric=settings.metric, level=self.level),
            stop=self.stop,
            cuda_graph=settings.cuda_graph,
        )
        with using(settings.backend), kept_memory():
            return trainer.fit()

    def _begin_warm(self, encoder: Any, graph: Graph, validate: Validate | None) -> None:
        """Begin where the earlier run stopped, and say where that is."""
        start = self.warm()
        assert start is not None, "training.warm_start names one"
        start.apply(encoder)
        if validate is not None:
            metric = self.config.training.metric
            with using(self.config.training.backend), torch.no_grad():
                figure = validate(encoder(graph))[metric]
            log.info("warm start: valid %s %.4f before the first epoch", metric, figure)


def _scored(validate: Validate, config: Config, data: Interactions) -> Validate:
    """Validation of what embeddings score with."""
    return lambda embeddings: validate(make_scorer(config, embeddings, data))


def _summary(
    folder: RunFolder,
    chosen: AnyFit,
    model: AnyFit,
    trained_on: tuple[str, ...],
    *,
    late: Late,
    content: ContentStage,
    on_measured: Callable[[Evaluation], None],
) -> dict[str, Any]:
    """The content of ``metrics.json``: the test part is scored once, on the CPU as ``evaluate`` does."""
    config, stored = folder.config, folder.data
    split = stored.split
    log.info(SCORING)
    row = next((row for row in chosen.history if row["epoch"] == chosen.epoch), {})
    seconds_late = late.seconds
    if late.weight and len(split.valid):  # the history has the figures of the embeddings alone
        begin, ks = time.perf_counter(), sorted({*config.evaluation.k, cut_off(config.training.metric)})
        row = dict(validation(split, ks=ks)(late.scorer))
        seconds_late += time.perf_counter() - begin
    scorer = late.scorer
    if model is not chosen:
        data = joined(split, trained_on)
        scorer = add_late(config, model.scorer, data, weight=late.weight, vectors=content.vectors)
    content.place(model.embeddings, trained_on)
    scorer = content.scorer(scorer, model.embeddings)
    metrics = {
        "dataset": f"{stored.facts['name']}@{stored.facts['version']}",
        "sha256": stored.facts["sha256"],
        "rows": stored.facts.get("rows", {}),
        "method": config.method,
        "epoch": chosen.epoch,
        "epochs_run": len(chosen.history),
        "seconds": seconds_late
        + content.seconds
        + sum(row["seconds"] + row["seconds_validation"] for row in chosen.history),
        "valid": {key: value for key, value in row.items() if "@" in key and math.isfinite(value)},
        **figures(
            scorer,
            split,
            trained_on=trained_on,
            ks=config.evaluation.k,
            on_measured=on_measured,
            neighbours=content.neighbours(trained_on),
        ),
        **content.facts,
    }
    if late.weight is not None:
        metrics["seconds_late"] = seconds_late
        metrics["late_sum"] = {"weight": late.weight}
        metrics["late_sum"]["tried"] = [
            {"weight": one, config.training.metric: value} for one, value in late.tried.items()
        ]
    if config.training.warm_start:
        metrics["protocol"]["warm_start"] = WarmStart.load(folder.warm_file).facts
    metrics["environment"] = folder.read_json(folder.environment_file)
    metrics["protocol"] |= {
        "selected_on": "valid" if len(split.valid) else "none",
        "metric": config.training.metric,
        "seed": config.training.seed,
    }
    return metrics
