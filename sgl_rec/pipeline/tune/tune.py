"""tune: a method and its ranges -> the best setting on validation, as a method. The test part is not there."""

from __future__ import annotations

import functools
import json
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from sgl_rec.config import dump_toml
from sgl_rec.errors import UserError, must_be
from sgl_rec.files import atomic_path, write_text
from sgl_rec.pipeline.build import cut_off
from sgl_rec.pipeline.device import choose_device, environment, set_threads
from sgl_rec.pipeline.late import choose_late
from sgl_rec.pipeline.measure import popularity_baseline, validation
from sgl_rec.pipeline.prepare import Prepared, prepare
from sgl_rec.pipeline.train import search
from sgl_rec.pipeline.tune.folder import TuneFolder
from sgl_rec.pipeline.tune.journal import State, Trial
from sgl_rec.pipeline.tune.record import Tuned, in_words
from sgl_rec.pipeline.tune.search import SAMPLER, Proposal, optuna_module, propose
from sgl_rec.pipeline.tune.space import own_settings, space, with_settings
from sgl_rec.pipeline.tune.watch import Pruned, Watch
from sgl_rec.ranges import Range, parse_ranges
from sgl_rec.training.interrupt import Interrupted, StopRequest, catch_signals
from sgl_rec.types import Split

log = logging.getLogger("sgl_rec")

TRIALS = 8
"""Settings that are tried by default; a table compares methods that had as many."""


def tune(
    dataset: str | Path | pd.DataFrame | None = None,
    *,
    out: str | Path,
    method: str | None = None,
    split: str | None = None,
    trials: int = TRIALS,
    seconds: float | None = None,
    seed: int = 0,
    ranges: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> Tuned:
    """Try settings of a method within its ranges, and keep the one with the best validation metric.

    Trial 0 is the method's own setting. A trial is the first stage of ``train``: it learns from ``train``,
    ``training.metric`` on validation chooses its epoch, and the split it is given has no test part. ``out``
    gets ``best.toml`` (a method for ``train``), ``trials.csv``, ``tune.json`` and ``trials.jsonl``, from which
    the same call goes on after a kill; the trial that was cut off begins again.

    Args:
        trials: how many settings are tried, those of earlier calls and failed ones among them.
        seconds: after so many in trials no further one begins.
        seed: of the search; ``training.seed`` is the trials', the same for all.
        ranges: ``{"training.learning_rate": [1e-3, 5e-3]}``, over those of the method's ``[tune]``.
        overwrite: begin anew, in the place of a search that is at ``out``.
        dataset, method, split, config, device, threads: as for ``train``.
        settings: as for ``train``; what is set here is not searched, unless ``ranges`` says so.

    Raises: UserError for what ``train`` refuses, a range the method cannot have, an ``out`` with another search,
        and when every trial failed; MissingDependencyError without optuna.

    Example:
        >>> import tempfile, sgl_rec
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tuned = sgl_rec.tune("demo", method="ease", trials=2, out=f"{folder}/tuned", threads=1)
        >>> bool(tuned.best.value == tuned.table["ndcg@20"].max())
        True
    """
    optuna = optuna_module()
    _check_budget(trials, seconds)
    folder = TuneFolder(Path(out))
    folder.check(overwrite=overwrite)
    chosen = choose_device(device)
    set_threads(threads)
    prepared = prepare(dataset, method=method, split=split, config=config, settings=settings, device=chosen)
    if not len(prepared.split.valid):
        raise must_be("tune", "the split", "one with a validation part", repr(prepared.split.name))
    try:
        given = parse_ranges(ranges or {})
    except ValueError as error:
        raise UserError(f"tune: ranges {error}") from error
    setup = _Setup(prepared, space(prepared, given=given, fixed=settings), seed, chosen, folder)
    if not overwrite:
        folder.journal.read(setup.search)  # a slip shows before anything is written
    with folder.writing(overwrite=overwrite), catch_signals() as stop:
        about = {
            "command": " ".join(sys.orig_argv),
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "environment": {**environment(chosen), "optuna": optuna.__version__},
            "budget": {"trials": trials, "seconds": seconds},
            "sampler": SAMPLER,
        }
        done = folder.journal.read(setup.search)
        if done is None:
            folder.journal.begin(setup.search)
        tuned = _run(setup, done or [], about, stop=stop)
    if not any(trial.state == "complete" for trial in tuned.trials):
        raise UserError(f"tune: a trial must succeed, got none, the first: {tuned.trials[0].why}")
    return tuned


@dataclass(frozen=True, eq=False)
class _Setup:
    """What is searched, where, and how."""

    prepared: Prepared
    ranges: Mapping[str, Range]
    seed: int
    device: torch.device
    folder: TuneFolder

    @property
    def search(self) -> dict[str, Any]:
        """What makes another search of it; the budget, the spelling of the data and the machine do not."""
        config, data = self.prepared.config, self.prepared.dataset
        return {
            "config": config.model_dump(
                mode="json", exclude_none=True, exclude={"summary": True, "tune": True, "data": {"dataset"}}
            ),
            "ranges": {key: _plain(one) for key, one in self.ranges.items()},
            "seed": self.seed,
            "sha256": data.sha256,
            "split_sha256": self.prepared.split.sha256,
        }

    @functools.cached_property
    def floor(self) -> float:
        """Popularity's validation metric: a trial below it may still be at its flat start."""
        metric, split = self.prepared.config.training.metric, without_test(self.prepared.split)
        return validation(split, ks=[cut_off(metric)])(popularity_baseline(split, ("train",)))[metric]


def _run(setup: _Setup, trials: list[Trial], about: Mapping[str, Any], *, stop: StopRequest) -> Tuned:
    """All trials that are still to be run."""
    metric, own = setup.prepared.config.training.metric, own_settings(setup.prepared.config)
    budget = about["budget"]
    if trials:
        log.info("%d trials were run before", len(trials))
    while len(trials) < budget["trials"] and not _is_spent(trials, budget["seconds"]):
        _write(setup, trials, {**about, "finished": False})
        proposal = propose(setup.ranges, own, trials, seed=setup.seed)
        if proposal is None:
            log.info("every setting in the ranges has been tried")
            break
        trial = _try(setup, len(trials), proposal, stop=stop)
        setup.folder.journal.add(trial)
        trials.append(trial)
        log.info("trial %d of %d: %s", trial.number, budget["trials"], in_words(trial, metric))
    return _write(setup, trials, {**about, "finished": True})


def _try(setup: _Setup, number: int, proposal: Proposal, *, stop: StopRequest) -> Trial:
    """Run a trial; one that fails is a trial too. Raises: Interrupted when asked to stop."""
    prepared, begin = setup.prepared, time.perf_counter()
    training, split = prepared.config.training, without_test(prepared.split)
    # A trial that is flat for half of its epochs is behind, also where these are fewer than the stopping rule's.
    warmup = min(training.warmup, training.max_epochs // (2 * training.validate_every))
    watch = Watch(proposal, metric=training.metric, floor=setup.floor, warmup=warmup)
    state: State = "complete"
    why, late = "", None
    if stop.requested:
        raise Interrupted
    try:
        config = with_settings(prepared, proposal.settings)
        fitted = search(
            config,
            split,
            device=setup.device,
            observer=watch,
            stop=stop,
            warm=lambda: prepared.warm,
            vectors=prepared.vectors,
        )
        if config.baseline is not None:
            watch.on_epoch(fitted.history[-1])
        if config.late_sum is not None:
            scorer = choose_late(config, fitted.scorer, split, vectors=prepared.vectors).scorer
            late = validation(split, ks=[cut_off(training.metric)])(scorer)[training.metric]
    except Pruned as pruned:
        state, why = "pruned", str(pruned)
    except (UserError, MemoryError, torch.OutOfMemoryError) as error:
        state, why = "failed", " ".join(str(error).split()) or type(error).__name__
    epoch, value = max(watch.curve, key=lambda point: (point[1], -point[0]), default=(None, None))
    return Trial(
        number=number,
        settings=proposal.settings,
        state=state,
        value=value if late is None else late,
        epoch=epoch,
        epochs_run=watch.epochs,
        seconds=time.perf_counter() - begin,
        why=why,
        curve=tuple(watch.curve),
    )


def without_test(split: Split) -> Split:
    """The split with an empty test part: a search cannot look at what it is not given."""
    return replace(split, test=split.test.take(np.array([], dtype=np.int64)))


def _check_budget(trials: int, seconds: float | None) -> None:
    if trials < 1:
        raise must_be("tune", "trials", "1 or more", trials)
    if seconds is not None and not seconds > 0:
        raise must_be("tune", "seconds", "above 0", seconds)


def _is_spent(trials: list[Trial], seconds: float | None) -> bool:
    if seconds is None or not trials or sum(trial.seconds for trial in trials) < seconds:
        return False
    log.info("%g seconds are spent: no further trial", seconds)
    return True


def _write(setup: _Setup, trials: list[Trial], about: Mapping[str, Any]) -> Tuned:
    """``trials.csv``, ``best.toml`` and ``tune.json`` as of now: whole after every trial."""
    folder, prepared = setup.folder, setup.prepared
    tuned = Tuned(folder.path, prepared.config.training.metric, tuple(trials))
    best = tuned.best if any(trial.state == "complete" for trial in trials) else None
    if trials:
        with atomic_path(folder.table_file) as temporary:
            tuned.table.to_csv(temporary, index=False)
    if best is not None:
        config = with_settings(prepared, best.settings)
        before = max(prepared.config.trials - 1, 0)  # the method's own setting, tried then, is trial 0 now
        update = {"trials": before + len(trials), "tune": dict(setup.ranges)}
        write_text(folder.best_file, dump_toml(config.model_copy(update=update)))
    record = {
        **about,
        **setup.search,
        "dataset": f"{prepared.dataset.name}@{prepared.dataset.version}",
        "metric": tuned.metric,
        "selected_on": "valid",
        "test_scored": 0,
        "trials": {state: [t.state for t in trials].count(state) for state in ("complete", "pruned", "failed")},
        "best": None if best is None else {"trial": best.number, tuned.metric: best.value, **best.settings},
    }
    write_text(folder.record_file, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return tuned


def _plain(one: Range) -> Any:
    return list(one) if isinstance(one, tuple) else one.model_dump(mode="json", exclude_none=True)
