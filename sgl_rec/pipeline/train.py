"""train: a data set and a method in, a run folder with a measured model out."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sgl_rec.config import Config, merge, method_file, parse, read_toml
from sgl_rec.data.batches import Batches
from sgl_rec.data.load import load_dataset
from sgl_rec.data.splits import make_split
from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.pipeline.build import NUM_VIEWS, make_encoder, make_objective, make_views, resolve
from sgl_rec.pipeline.device import choose_device, environment, set_threads
from sgl_rec.pipeline.measure import joined, measure_test, popularity_baseline, validation
from sgl_rec.pipeline.observers import EpochLog, log_file
from sgl_rec.pipeline.run import Run
from sgl_rec.pipeline.run_folder import RunFolder, new_folder
from sgl_rec.training.interrupt import StopRequest, catch_signals
from sgl_rec.training.loop import Fitted, Observer, Trainer
from sgl_rec.training.stopping import EarlyStopping
from sgl_rec.types import Dataset, Split

log = logging.getLogger("sgl_rec")


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that is known before the first step: the resolved config, the data and its split."""

    config: Config
    dataset: Dataset
    split: Split


def train(
    dataset: str | Path | pd.DataFrame = "demo",
    *,
    method: str = "sgl-ed",
    split: str = "random",
    out: str | Path | None = None,
    overwrite: bool = False,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
    observer: Observer | None = None,
) -> Run:
    """Train a method on a data set, measure it, and return the run.

    Args:
        dataset: a name of the catalogue, a path, or a DataFrame with ``user_id`` and ``item_id``.
        method: a shipped method (``sgl-rec methods``) or a ``.toml`` file.
        split: ``random`` or the name of a published fixed split.
        out: the run folder; by default a new one under ``runs/``.
        overwrite: replace a run that is at ``out``.
        config: a TOML file whose values go over the method's.
        settings: ``{"training": {"max_epochs": 5}}``, over everything else.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:<n>``.
        threads: CPU threads; by default one for each core the process has.
        observer: is told of every step and epoch.

    Raises: UserError (a ValueError) for a wrong name, path, key or value.

    Example:
        >>> import tempfile, sgl_rec
        >>> fast = {"training": {"max_epochs": 1}, "encoder": {"embedding_dim": 8}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = sgl_rec.train("demo", out=f"{folder}/run", settings=fast)
        ...     len(run.recommend([1, 2], k=5))
        10
    """
    prepared = prepare(dataset, method=method, split=split, config=config, settings=settings)
    chosen = choose_device(device)
    set_threads(threads)
    name, how = prepared.config.data.dataset, prepared.config.method
    folder = new_folder(out, dataset=name, method=how, overwrite=overwrite)
    return start(prepared, folder, device=chosen, observer=observer)


def start(
    prepared: Prepared, folder: RunFolder, *, device: torch.device, observer: Observer | None = None
) -> Run:
    """Write what a resume needs into a new run folder, and run all stages."""
    with folder.writing():
        folder.clear()
        folder.checkpoints.mkdir()
        folder.write_data(prepared.dataset, prepared.split)
        folder.write_json(folder.environment_file, environment(device))
        folder.write_config(prepared.config)
        return _run(folder, device=device, observer=observer)


def resume(
    path: str | Path,
    *,
    device: str = "auto",
    threads: int | None = None,
    observer: Observer | None = None,
) -> Run:
    """Go on with an interrupted run from its last checkpoint, from its folder alone.

    On the CPU with the same machine, versions and threads the result has the same bits as an undisturbed run;
    a change of these is warned of.
    """
    folder = RunFolder.open(path)
    chosen = choose_device(device)
    before = folder.read_json(folder.environment_file)
    same_threads = int(before["threads"]) if str(before.get("threads", "")).isdigit() else None
    set_threads(threads or same_threads)
    for key, value in environment(chosen).items():
        if before.get(key) != value:
            log.warning("resume: %s was %s, now %s; the bits may differ", key, before.get(key), value)
    with folder.writing():
        return _run(folder, device=chosen, observer=observer)


def prepare(
    dataset: str | Path | pd.DataFrame = "demo",
    *,
    method: str = "sgl-ed",
    split: str = "random",
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Prepared:
    """Load and split the data, resolve the config: all of ``train`` before the first file is written."""
    name = "dataframe" if isinstance(dataset, pd.DataFrame) else str(dataset)
    values = read_toml(method_file(method, dataset=name))
    if config is not None:
        values = merge(values, read_toml(Path(config)))
    values = merge(values, {"method": Path(method).stem, "data": {"dataset": name, "split": split}})
    resolved = resolve(parse(merge(values, settings or {}), where=str(config or "config")))
    loaded = load_dataset(dataset)
    parts = make_split(loaded, name=resolved.data.split, seed=resolved.data.split_seed)
    if resolved.training.refit == "valid" and parts.fixed:
        raise UserError(
            f"--refit: the split must have no published validation part, got {parts.name!r}, whose figures are "
            "defined without a refit; leave --refit out, or use --refit all for a model to serve"
        )
    return Prepared(resolved, loaded, parts)


def expected_memory(prepared: Prepared) -> int:
    """Bytes the training takes at its peak, above the program's own: an estimate from the counts.

    Tables: parameters, gradient, two moments, the best epoch's parameters and embeddings, and for each of the
    embedded graphs (main and views) three more; graphs: int32 columns and float32 ones in both directions, and
    while a view is drawn the hashes in int64; the contrast's and the ranking's buffers.
    """
    config, data = prepared.config, prepared.split.train
    width = int(config.encoder.arguments.get("embedding_dim", 64))
    graphs = 1 if config.views is None else 1 + NUM_VIEWS
    tables = (6 + 3 * graphs) * (data.num_users + data.num_items) * width * 4
    edges = 2 * len(data) * (8 * graphs + (48 if config.views is not None else 0))
    pairs = 40 * len(data)
    return tables + edges + pairs + 2 * 64 * 2**20


def _run(folder: RunFolder, *, device: torch.device, observer: Observer | None) -> Run:
    """The stages of a run. Each has its own checkpoint, so a resume simply runs them all again."""
    config, split = folder.config, folder.data.split
    with log_file(folder.log_file), catch_signals() as stop:
        if folder.metrics_file.is_file():
            log.info("%s is finished; nothing is left to do", folder.path)
            return Run(folder)
        stage = _Stage(folder, device=device, observer=observer, stop=stop)
        chosen = stage.search()
        trained_on: tuple[str, ...] = ("train",)
        model = chosen
        if config.training.refit == "valid":
            trained_on = ("train", "valid")
            model = stage.refit("refit", trained_on, epochs=chosen.epoch)
        metrics = _measure(folder, chosen, model, trained_on)
        if config.training.refit == "all":
            trained_on = tuple(name for name in ("train", "valid", "test") if len(split.parts()[name]))
            model = stage.refit("refit-all", trained_on, epochs=chosen.epoch)
        about = {"trained_on": trained_on, "epoch": chosen.epoch, "method": config.method}
        folder.write_model(model.parameters, model.embeddings, about)
        folder.write_history(chosen.history)
        folder.write_json(folder.metrics_file, {**metrics, "model_trained_on": list(trained_on)})
    return Run(folder)


class _Stage:
    """One fit of a run: on which parts, for how long, with which checkpoint."""

    def __init__(
        self, folder: RunFolder, *, device: torch.device, observer: Observer | None, stop: StopRequest
    ) -> None:
        self.folder, self.device, self.observer, self.stop = folder, device, observer, stop
        self.config, self.split = folder.config, folder.data.split

    def search(self) -> Fitted:
        """Train on ``train``; validation chooses the epoch."""
        settings, ks = self.config.training, self.config.evaluation.k
        if not len(self.split.valid):
            log.warning("no validation interactions: training for all %d epochs", settings.max_epochs)
            return self._fit("search", ("train",), epochs=settings.max_epochs)
        validate = validation(self.split, ks=ks)
        floor = validate_scorer(self.split, ks=ks)[settings.metric]
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
        validate: Any = None,
        stopping: EarlyStopping | None = None,
    ) -> Fitted:
        settings, data = self.config.training, joined(self.split, parts)
        graph = build_graph(data, device=self.device)
        encoder = make_encoder(self.config, num_users=data.num_users, num_items=data.num_items)
        trainer = Trainer(
            encoder.to(self.device),
            make_objective(self.config).to(self.device),
            graph=graph,
            batches=Batches(data, batch_size=settings.batch_size, seed=settings.seed, device=self.device),
            draw_views=make_views(self.config, graph),
            learning_rate=settings.learning_rate,
            max_epochs=epochs,
            validate=validate,
            validate_every=settings.validate_every,
            metric=settings.metric,
            stopping=stopping,
            checkpoint=self.folder.checkpoints / f"{name}.safetensors",
            observer=EpochLog(self.observer, stage=name, metric=settings.metric),
            stop=self.stop,
        )
        return trainer.fit()


def validate_scorer(split: Split, *, ks: tuple[int, ...]) -> Mapping[str, float]:
    """Popularity's validation figures: the floor of early stopping."""
    scorer: Any = popularity_baseline(split, ("train",))
    return validation(split, ks=ks)(scorer)


def _measure(folder: RunFolder, chosen: Fitted, model: Fitted, trained_on: tuple[str, ...]) -> dict[str, Any]:
    """The content of ``metrics.json``: the test part is scored once."""
    config, stored = folder.config, folder.data
    split, ks = stored.split, config.evaluation.k
    row = next((row for row in chosen.history if row["epoch"] == chosen.epoch), {})
    metrics: dict[str, Any] = {
        "dataset": f"{stored.facts['name']}@{stored.facts['version']}",
        "sha256": stored.facts["sha256"],
        "method": config.method,
        "epoch": chosen.epoch,
        "epochs_run": len(chosen.history),
        "seconds": sum(entry["seconds"] + entry["seconds_validation"] for entry in chosen.history),
        "valid": {key: value for key, value in row.items() if "@" in key and math.isfinite(value)},
        "test": {},
        "baselines": {"popularity": {}},
        "protocol": {
            "split": split.name,
            "split_seed": config.data.split_seed,
            "selected_on": "valid" if len(split.valid) else "none",
            "metric": config.training.metric,
            "remove_at_valid": list(split.remove_at_valid),
            "remove_at_test": sorted({*split.remove_at_test, *trained_on}),
            "trained_on": list(trained_on),
            "seed": config.training.seed,
        },
    }
    if not len(split.test):
        log.warning("no test interactions: nothing is measured")
        return metrics
    measured = measure_test(model.embeddings, split, trained_on=trained_on, ks=ks)
    baseline = measure_test(popularity_baseline(split, trained_on), split, trained_on=trained_on, ks=ks)
    metrics["test"] = dict(measured.metrics)
    metrics["baselines"]["popularity"] = dict(baseline.metrics)
    metrics["protocol"] |= {"users_measured": len(measured.users), "users_left_out": measured.num_left_out}
    return metrics
