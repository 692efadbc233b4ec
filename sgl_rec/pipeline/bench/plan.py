"""The cells of a bench: which runs, where, with which settings, and what is there of them already."""

from __future__ import annotations

import inspect
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sgl_rec.baselines import BASELINES
from sgl_rec.config import Config
from sgl_rec.data.catalogue import catalogue
from sgl_rec.errors import UserError, must_be
from sgl_rec.pipeline.bench.cell import Task
from sgl_rec.pipeline.new_run import check_out, plain_name
from sgl_rec.pipeline.prepare import Prepared, prepare
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.settings import flat, merge, read_toml
from sgl_rec.types import Dataset, Ids

log = logging.getLogger("sgl_rec")

SEEDS = 3
"""Seeds of data that is not in the catalogue, whose entries say their own number (``bench_seeds``)."""
JOURNAL = "journal.jsonl"
NOT_SETTINGS = {"summary", "data.dataset", "training.seed"}
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
                check_out(folder.path, overwrite=True, kind=RunFolder)
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
        there, asked = (
            dict(flat(config.model_dump(mode="json", exclude_none=True)))
            for config in (folder.config, self.config)
        )
        for key in sorted({*there, *asked}):
            if key not in NOT_SETTINGS and there.get(key) != asked.get(key):
                raise must_be(
                    str(folder.path), key, f"{asked.get(key)!r} as asked for",
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

    @property
    def over(self) -> dict[str, Any]:
        """The settings that go over every method's file: those of ``config``, and ``settings`` over them."""
        return merge(read_toml(Path(self.config)) if self.config else {}, self.settings or {})

    def over_in_words(self) -> str:
        """What goes over every method's file as options of the command; empty where nothing does."""
        words = [f"--config {self.config}"] if self.config else []
        given = sorted(flat(self.settings or {}))
        words += [f"--set {key}={json.dumps(value, default=str)}" for key, value in given]
        return ", ".join(f"`{word}`" for word in words)


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
        configs: list[Config] = []
        loaded = None
        for method in asked.methods:
            prepared = _prepared(asked, source, method, device=device, loaded=loaded)
            if not len(prepared.split.test):
                where = f"bench: {plain_name(source)}"
                raise must_be(where, "the split", "one with a test part", repr(prepared.split.name))
            loaded = prepared.dataset
            configs.append(prepared.config)
        assert loaded is not None, "there is a method"
        if len(cuts := sorted({config.evaluation.k for config in configs})) > 1:
            got = " and ".join(map(str, cuts[:2]))
            raise must_be("bench", "evaluation.k of the methods", "the same", got, "say --k")
        named = zip(asked.methods, row_names(asked.methods, configs), configs, strict=True)
        for method, row, config in named:
            cells += _of(asked, row, config, loaded, source=source, method=method)
    paths = [cell.name for cell in cells]
    if repeated := sorted({name for name in paths if paths.count(name) > 1}):
        what, advice = "each of a name of its own", "leave one out, or copy its file to another name"
        raise must_be("bench", "data sets and methods", what, f"{repeated[0]} twice", advice)
    return cells


def row_names(methods: Sequence[str], configs: Sequence[Config]) -> list[str]:
    """What the rows are called: as their methods, and those of files by the file where two methods have one name.

    Example:
        >>> one = Config(method="ease", baseline={"name": "ease"})
        >>> row_names(["ease", "tuned/best.toml"], [one, one]), row_names(["tuned/best.toml"], [one])
        (['ease', 'tuned-best'], ['ease'])
    """
    names = [plain_name(config.method) for config in configs]
    return [
        _name_of_file(method) if names.count(name) > 1 and Path(method).suffix == ".toml" else name
        for method, name in zip(methods, names, strict=True)
    ]


def _name_of_file(path: str) -> str:
    return "-".join(plain_name(part) for part in Path(path).parts[-2:] if part not in ("..", Path(path).anchor))


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


def _of(asked: Asked, row: str, config: Config, data: Dataset, *, source: str, method: str) -> Iterator[Cell]:
    """The cells of one method: one for each seed, and one alone where nothing is drawn."""
    label = plain_name(source)
    seeds = asked.seeds if asked.seeds is not None else default_seeds(data.name)
    baseline = config.baseline
    if baseline is not None and "generator" not in inspect.signature(BASELINES[baseline.name]).parameters:
        seeds = seeds[:1]
    for seed in seeds:
        name = f"{label}/{row}/seed-{seed}"
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
        yield Cell(label, row, seed, task, config, data.sha256, data.users, data.items)


def not_asked_for(cells: Sequence[Cell], out: Path) -> Counter[str]:
    """``<data set>/<method>`` -> its finished runs in ``out``, of those that no cell is of."""
    found = (RunFolder(path) for path in sorted(out.glob("*/*/seed-*")))
    rows = [folder.path.parent for folder in found if folder.metrics_file.is_file()]
    asked = {cell.folder.path.parent for cell in cells}
    return Counter(row.relative_to(out).as_posix() for row in rows if row not in asked)


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
