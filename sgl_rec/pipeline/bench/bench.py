"""bench: data sets x methods x seeds -> runs, and a leaderboard of each data set."""

from __future__ import annotations

import functools
import itertools
import json
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgl_rec.data.lists import read_lists
from sgl_rec.errors import MissingDependencyError, UserError, must_be, nearest
from sgl_rec.evaluation.metrics import METRICS
from sgl_rec.export.leaderboard import Leaderboard, write_csv
from sgl_rec.export.leaderboard import markdown as markdown  # the command knows it from here
from sgl_rec.export.plots import draw_leaderboard
from sgl_rec.files import lock, write_text
from sgl_rec.pipeline.bench.journal import Journal
from sgl_rec.pipeline.bench.plan import JOURNAL, Asked, Cell, not_asked_for, plan
from sgl_rec.pipeline.bench.processes import failure, run_cells
from sgl_rec.pipeline.bench.table import POPULARITY, leaderboard
from sgl_rec.pipeline.device import choose_device, environment, set_threads
from sgl_rec.pipeline.run_folder import RunFolder

log = logging.getLogger("sgl_rec")

SHORT = ("threads", "processor", "gpu")
"""What the table says of the machine; ``bench.json`` has all."""
USUAL_K = 20
"""The cut-off of the NDCG that is tested where nobody says what, if it is measured."""


def bench(
    datasets: str | Sequence[str],
    methods: Sequence[str],
    *,
    out: str | Path,
    seeds: Sequence[int] | None = None,
    split: str | None = None,
    against: str = POPULARITY,
    lists: Mapping[str, Sequence[str | Path]] | None = None,
    metric: str | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "auto",
    threads: int | None = None,
) -> pd.DataFrame:
    """Train every method on every data set with every seed, and compare them on the same test users.

    A run is a folder ``out/<data set>/<method>/seed-<n>`` of ``train``, made in a process of its own; the seed is
    ``training.seed``, and the split stays the same (``data.split_seed``). What is finished is skipped, what was
    interrupted goes on: after a kill the same call ends with the same leaderboard. ``out`` gets
    ``leaderboard.md``, ``leaderboard.csv``, ``<data set>.png`` and ``bench.json``.

    Args:
        datasets, methods: names or paths, as ``train`` takes them. Where two methods are of one name, a file is
            called by its path: ``tuned/best.toml`` is ``tuned-best``.
        seeds: by default 0 to 4 on ml-1m, 0 to 2 elsewhere; methods that draw nothing have one.
        against: the method the others are tested against (``popularity`` is always there).
        lists: somebody else's lists by a name: files (one a seed) with ``user_id``, ``item_id`` and ``rank`` or
            ``score``, measured as the models are; for one data set.
        metric: what is tested, and sorts the table; by default ndcg@20, or where that is not measured NDCG at the
            largest cut-off. Epochs are chosen by ``training.metric`` on validation.

    Returns: the rows of all leaderboards, with the columns of ``leaderboard.csv``.

    Raises: UserError for a wrong name, path, key or value, an ``out`` with runs of other settings, and, once the
        table is written, for runs that failed.
    """
    names = (datasets,) if isinstance(datasets, str) else tuple(datasets)
    config = None if config is None else str(config)
    asked = Asked(names, tuple(methods), Path(out), _tuple(seeds), split, config, settings, device, threads)
    boards = run_bench(asked, against=against, lists=lists, metric=metric)
    return pd.concat([board.table.assign(dataset=board.dataset) for board in boards], ignore_index=True)


def run_bench(
    asked: Asked,
    *,
    against: str = POPULARITY,
    lists: Mapping[str, Sequence[str | Path]] | None = None,
    metric: str | None = None,
    on_boards: Callable[[Sequence[Leaderboard]], None] | None = None,
) -> list[Leaderboard]:
    """``bench``; ``on_boards`` is handed the leaderboards before runs that failed are an error."""
    cells, states = planned(asked, against=against, lists=lists, metric=metric)
    metric = _metric(cells, metric)
    counts = [states.count(state) for state in ("done", "to resume", "to train")]
    log.info("%d runs: %d are done, %d to go on, %d to begin", len(cells), *counts)
    if aside := _aside(asked, cells, dataset=""):
        log.info("%s", aside)
    _make(asked.out)
    given = {name: [Path(file) for file in files] for name, files in (lists or {}).items()}
    with lock(asked.out / "lock", who=str(asked.out)):
        journal, facts = Journal(asked.out / JOURNAL), environment(choose_device(asked.device))
        about = {
            "command": " ".join(sys.orig_argv),
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "metric": metric,
            "against": against,
            "over_every_method": {"config": asked.config, "settings": asked.over},
            "lists": {name: list(map(str, files)) for name, files in given.items()},
            "environment": facts,
        }
        _write_record(asked.out, about, journal)
        failed = run_cells(cells, journal)
        said = {"date": time.strftime("%Y-%m-%d"), **{name: facts[name] for name in SHORT if facts[name]}}
        table = functools.partial(
            leaderboard, metric=metric, against=against, lists=given, journal=journal, facts=said
        )
        boards = [
            table(own, notes=_notes(asked, own))
            for own in _by_dataset(cells)
            if any(cell.folder.metrics_file.is_file() for cell in own)
        ]
        if boards:
            write_boards(boards, asked.out)
        _write_record(asked.out, about, journal)
    if boards and on_boards is not None:
        on_boards(boards)
    if failed:
        raise failure(failed, cells)
    return boards


def planned(
    asked: Asked,
    *,
    against: str = POPULARITY,
    lists: Mapping[str, Sequence[str | Path]] | None = None,
    metric: str | None = None,
) -> tuple[list[Cell], list[str]]:
    """The cells and what is there of each; nothing is trained or written. Raises: as ``bench``."""
    if not asked.datasets or not asked.methods:
        raise must_be("bench", "data sets and methods", "one or more of each", "none")
    if asked.out.exists() and not asked.out.is_dir():
        raise UserError(f"--out: {asked.out} must be a folder, got a file; choose another place")
    if RunFolder(asked.out).config_file.exists():
        raise UserError(f"--out: {asked.out} must be a folder for many runs, got a run; choose another place")
    set_threads(asked.threads)
    cells = plan(asked, device=choose_device(asked.device))
    _check_names(cells, against=against, lists=lists or {})
    _metric(cells, metric)
    return cells, [cell.state() for cell in cells]


def _check_names(cells: Sequence[Cell], *, against: str, lists: Mapping[str, Sequence[str | Path]]) -> None:
    methods = {cell.method for cell in cells}
    if any(
        cell.method == POPULARITY and (cell.config.baseline is None or cell.config.baseline.name != POPULARITY)
        for cell in cells
    ):
        raise must_be("bench", "method", "of another name than the baseline's", repr(POPULARITY), "rename it")
    for name in lists:
        if name in {*methods, POPULARITY}:
            raise must_be("--lists", "name", "no method's", repr(name), "choose another name")
    if lists and len({cell.dataset for cell in cells}) > 1:
        raise must_be("--lists", "lists", "given for one data set", "several", "bench these one by one")
    for file in itertools.chain(*lists.values()):
        read_lists(
            Path(file), users=cells[0].users, items=cells[0].items, k=1
        )  # a slip shows before hours of training
    known = {*methods, *lists, POPULARITY}
    if against not in known:
        raise must_be("--against", "name", "one of the methods", repr(against), nearest(against, known))


def _metric(cells: Sequence[Cell], metric: str | None) -> str:
    """What is tested. Raises: UserError where it is not measured."""
    cut_offs = sorted({cell.config.evaluation.k for cell in cells})
    if metric is None:
        metric = f"ndcg@{USUAL_K if USUAL_K in cut_offs[0] else max(cut_offs[0])}"
    for cuts in cut_offs:
        known = [f"{name}@{k}" for k in cuts for name in METRICS]
        if metric not in known:
            raise must_be("--metric", "metric", "one that is measured", repr(metric), nearest(metric, known))
    return metric


def write_boards(boards: Sequence[Leaderboard], out: Path) -> None:
    """``leaderboard.md``, ``leaderboard.csv``, and a picture of each where matplotlib is there."""
    write_text(out / "leaderboard.md", markdown(boards))
    write_csv(boards, out / "leaderboard.csv")
    for board in boards:
        try:
            draw_leaderboard(board, out / f"{board.dataset}.png")
        except MissingDependencyError as error:
            log.warning("no picture: %s", error)
            return


def _notes(asked: Asked, cells: Sequence[Cell]) -> list[str]:
    """What a reader of the table of a data set must know of the question."""
    over = asked.over_in_words()
    said = f"Over every method's file: {over}; `trials` counts those of the files." if over else ""
    return [note for note in (said, _aside(asked, cells, dataset=f"{cells[0].dataset}/")) if note]


def _aside(asked: Asked, cells: Sequence[Cell], *, dataset: str) -> str:
    """The rows that an earlier bench had and this one has not."""
    found = {row: runs for row, runs in not_asked_for(cells, asked.out).items() if row.startswith(dataset)}
    many, rows = sum(found.values()), ", ".join(found)
    advice = "name them to have them in the table"
    return f"{many} finished runs in {asked.out} are of methods not asked for: {rows}; {advice}." if many else ""


def _write_record(out: Path, about: Mapping[str, Any], journal: Journal) -> None:
    record = {**about, "cells": journal.cells()}
    text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
    write_text(out / "bench.json", text + "\n")


def _by_dataset(cells: Sequence[Cell]) -> list[list[Cell]]:
    labels = dict.fromkeys(cell.dataset for cell in cells)
    return [[cell for cell in cells if cell.dataset == label] for label in labels]


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: {out} cannot be made ({error.strerror}); choose another place") from error


def _tuple(seeds: Sequence[int] | None) -> tuple[int, ...] | None:
    return None if seeds is None else tuple(seeds)
