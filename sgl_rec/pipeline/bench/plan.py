"""The cells of a bench: which runs, where, with which settings, and what is there of them already."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sgl_rec.baselines import BASELINES
from sgl_rec.config import Config, merge
from sgl_rec.data.catalogue import catalogue
from sgl_rec.errors import UserError, must_be
from sgl_rec.pipeline.bench.cell import Task
from sgl_rec.pipeline.new_run import check_out, plain_name
from sgl_rec.pipeline.prepare import Prepared, prepare
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.types import Dataset, Ids

log = logging.getLogger("sgl_rec")

SEEDS = 3
"""Seeds of data that is not in the catalogue, whose entries say their own number (``bench_seeds``)."""
JOURNAL = "journal.jsonl"
NOT_SETTINGS = {("summary",), ("data", "dataset"), ("training", "seed")}
"""Keys of a config that may differ: a text, how the data is spelt (its checksum is compared), a cell's own."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One run: a method on a data set with a seed.

    Args:
        config: what the run is asked to be.
        sha256, users, items: of the data.
    """

    dataset: str
    method: str
    seed: int
    task: Task
    config: Config
    sha256: str
    users: Ids
    items: Ids

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def folder(self) -> RunFolder:
        return RunFolder(Path(self.task.out))

    def state(self) -> str:
        """``to train``, ``to resume`` or ``done``.

        Raises: UserError for a run with other settings or of other data, a damaged one, and another's files.
        """
        folder = self.folder
        if not folder.config_file.is_file():
            if folder.path.exists():
                check_out(folder.path, overwrite=True)
            return "to train"
        folder = RunFolder.open(folder.path)
        self._check_settings(folder)
        if not folder.metrics_file.exists():
            return "to resume"
        metrics = folder.read_json(folder.metrics_file)
        folder.read_history()
        folder.read_users()
        if metrics["sha256"] != self.sha256:
            raise UserError(
                f"{folder.path}: the run must be of the data asked for, got one of other data; {_ELSE}"
            )
        return "done"

    def _check_settings(self, folder: RunFolder) -> None:
        there, asked = dict(_flat(folder.config)), dict(_flat(self.config))
        for key in sorted({*there, *asked}):
            if key not in NOT_SETTINGS and there.get(key) != asked.get(key):
                raise must_be(
                    str(folder.path), ".".join(key), f"{asked.get(key)!r} as asked for",
                    f"{there.get(key)!r} in its config.toml", _ELSE,
                )  # fmt: skip


_ELSE = "use another --out, or remove that folder"


@dataclass(frozen=True)
class Asked:
    """What ``bench`` was asked for; the arguments are those of ``pipeline.bench.bench``."""

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    out: Path
    seeds: tuple[int, ...] | None = None
    split: str | None = None
    config: str | None = None
    settings: Mapping[str, Any] | None = None
    device: str = "auto"
    threads: int | None = None


def plan(asked: Asked, *, device: torch.device) -> list[Cell]:
    """Every cell, data set by data set, seeds within methods. Nothing is written.

    Raises: UserError for whatever ``train`` would refuse, names that repeat, and a seed among the settings.
    """
    training = (asked.settings or {}).get("training")
    if isinstance(training, Mapping) and "seed" in training:
        raise UserError("bench: training.seed must be left out of the settings, got one; say --seeds")
    if asked.seeds is not None and (not asked.seeds or len(set(asked.seeds)) < len(asked.seeds)):
        raise must_be("--seeds", "seeds", "distinct, one or more", list(asked.seeds))
    if "-" in asked.datasets:
        raise must_be("bench", "data sets", "names or paths", "standard input", "it is read once; write a file")
    cells: list[Cell] = []
    for source in asked.datasets:
        label, loaded = plain_name(source), None
        for method in asked.methods:
            prepared = _prepared(asked, source, method, device=device, loaded=loaded)
            loaded = prepared.dataset
            cells += _of(asked, label, prepared, source=source, method=method)
    paths = [cell.name for cell in cells]
    if repeated := sorted({name for name in paths if paths.count(name) > 1}):
        raise must_be("bench", "data sets and methods", "each of a name of its own", f"{repeated[0]} twice")
    return cells


def _prepared(
    asked: Asked, source: str, method: str, *, device: torch.device, loaded: Dataset | None
) -> Prepared:
    return prepare(
        source,
        method=method,
        split=asked.split,
        config=asked.config,
        settings=asked.settings,
        device=device,
        loaded=loaded,
    )


def _of(asked: Asked, label: str, prepared: Prepared, *, source: str, method: str) -> Iterator[Cell]:
    """The cells of one method: one for each seed, and one alone where nothing is drawn."""
    if not len(prepared.split.test):
        raise must_be(f"bench: {label}", "the split", "one with a test part", repr(prepared.split.name))
    how = plain_name(prepared.config.method)
    seeds = asked.seeds if asked.seeds is not None else default_seeds(prepared.dataset.name)
    baseline = prepared.config.baseline
    if baseline is not None and "generator" not in inspect.signature(BASELINES[baseline.name]).parameters:
        seeds = seeds[:1]
    for seed in seeds:
        name = f"{label}/{how}/seed-{seed}"
        task = Task(
            name=name,
            out=str(asked.out / name),
            journal=str(asked.out / JOURNAL),
            dataset=source,
            method=method,
            settings=merge(asked.settings or {}, {"training": {"seed": seed}}),
            split=asked.split,
            config=asked.config,
            device=asked.device,
            threads=asked.threads,
        )
        data = prepared.dataset
        yield Cell(label, how, seed, task, prepared.config, data.sha256, data.users, data.items)


def default_seeds(dataset: str) -> tuple[int, ...]:
    """The seeds where none are given: as many as the catalogue says for this data.

    Example:
        >>> default_seeds("ml-1m"), default_seeds("my-shop")
        ((0, 1, 2, 3, 4), (0, 1, 2))
    """
    entry = catalogue().get(dataset)
    return tuple(range(SEEDS if entry is None else entry.bench_seeds))


def in_words(cells: Sequence[Cell], states: Sequence[str]) -> str:
    """One line a cell: its name, and what is there."""
    width = max(len(cell.name) for cell in cells)
    return "\n".join(f"{cell.name:<{width}}  {state}" for cell, state in zip(cells, states, strict=True))


def _flat(config: Config) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path of the key, value) of every setting that is not a table."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), config.model_dump(mode="json", exclude_none=True))]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*path, key), below) for key, below in value.items()]
        else:
            yield path, value
