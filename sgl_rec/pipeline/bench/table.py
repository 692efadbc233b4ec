"""Finished cells and somebody else's lists -> the leaderboard of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgl_rec.errors import UserError, must_be
from sgl_rec.evaluation.compare import Compared, compare
from sgl_rec.export.leaderboard import Leaderboard
from sgl_rec.files import sha256
from sgl_rec.pipeline.bench.journal import SCORED, Journal
from sgl_rec.pipeline.bench.lists import score_lists
from sgl_rec.pipeline.bench.plan import Cell
from sgl_rec.pipeline.measure import BOTH, measure_test, popularity_baseline
from sgl_rec.pipeline.run_folder import RunFolder

POPULARITY = "popularity"
SHOWN = ("recall", "ndcg")
"""The metrics of the table, at every cut-off."""


@dataclass(eq=False)
class Scored:
    """One row to be.

    Args:
        users: the ids of the measured users.
        figures: metric -> a row for each seed, a column for each user.
        facts: further columns.
    """

    method: str
    users: pd.Index[Any]
    figures: Mapping[str, np.ndarray]
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def leaderboard(
    cells: Sequence[Cell],
    *,
    metric: str,
    against: str,
    lists: Mapping[str, Sequence[Path]],
    journal: Journal,
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
) -> Leaderboard:
    """The table of one data set.

    Args:
        cells: all of the data set, finished ones (at least one) and failed others.
        notes: what is known of them beforehand; they stand first.

    Raises: UserError where the runs were not measured on the same users, or a file of them is damaged.
    """
    done = [cell for cell in cells if cell.folder.metrics_file.is_file()]
    label = cells[0].dataset
    assert done, "asked only where there is something to show"
    metrics = metrics_of(done[0], metric)
    events = journal.cells()
    rows = [_of_runs(runs, metrics, metric, events=events) for runs in _by_method(done)]
    first = done[0].folder
    rows += [
        _of_lists(name, files, first, metrics, label=label, journal=journal) for name, files in lists.items()
    ]
    if POPULARITY not in {row.method for row in rows}:
        rows.append(_of_popularity(first, metrics))
    _check_users(rows)
    tested = against if against in {row.method for row in rows} else None
    compared = {
        name: compare({row.method: row.figures[name] for row in rows}, against=tested if name == metric else None)
        for name in metrics
    }
    table = pd.DataFrame([_row(row, compared, metric) for row in rows])
    table = table.sort_values([metric, "method"], ascending=[False, True], ignore_index=True)
    notes = [*notes, *_warnings(rows, cells, done), *(note for row in rows for note in row.notes)]
    if tested is None:
        notes.append(f"Warning: {against} has no finished run: nothing is tested against it.")
    return Leaderboard(label, table, metric, metrics, against, facts, notes)


def metrics_of(cell: Cell, metric: str) -> list[str]:
    """The metrics that are shown: recall and NDCG at every cut-off, and the one it is sorted by."""
    cuts = sorted(cell.config.evaluation.k, reverse=True)
    shown = [f"{name}@{k}" for k in cuts for name in reversed(SHOWN)]
    return [*([metric] if metric not in shown else []), *shown]


def _by_method(cells: Sequence[Cell]) -> Iterable[list[Cell]]:
    for method in dict.fromkeys(cell.method for cell in cells):
        yield [cell for cell in cells if cell.method == method]


def _of_runs(
    runs: Sequence[Cell], metrics: Sequence[str], main: str, *, events: Mapping[str, Mapping[str, Any]]
) -> Scored:
    """The seeds of one method."""
    tables = [cell.folder.read_users() for cell in runs]
    found = [cell.folder.read_json(cell.folder.metrics_file) for cell in runs]
    users = pd.Index(tables[0]["user_id"])
    for cell, table in zip(runs, tables, strict=True):
        if not pd.Index(table["user_id"]).equals(users) or not set(metrics) <= set(table):
            raise _other_users(str(cell.folder.path))
    protocol, known = found[0]["protocol"], [events.get(cell.name, {}) for cell in runs]
    peaks = [cell["peak_memory"] for cell in known if cell.get("peak_memory")]
    facts = {
        "seeds": len(runs),
        f"valid_{main}": _mean([values["valid"].get(main) for values in found]),
        f"both_removed_{main}": _mean([values.get("test_both_removed", {}).get(main) for values in found]),
        "seconds": _mean([_seconds(cell.folder, values) for cell, values in zip(runs, found, strict=True)]),
        "epoch": _mean([values["epoch"] for values in found]),
        "peak_memory": max(peaks, default=None),
        "trials": runs[0].folder.config.trials,
        **_protocol(protocol),
        "selected_on": f"{protocol['selected_on']} {protocol['metric']}",
        "settings": f"{runs[0].name}/config.toml",
        "test_scored": max((cell["test_scored"] for cell in known if cell), default=None),
    }
    return Scored(runs[0].method, users, {name: _stack(tables, name) for name in metrics}, facts)


def _protocol(protocol: Mapping[str, Any]) -> dict[str, str]:
    return {"removed_at_test": " + ".join(protocol["remove_at_test"]), "split": protocol["split"]}


def _seconds(folder: RunFolder, metrics: Mapping[str, Any]) -> float:
    """From the first step to the epoch that was chosen, validation and the fit of a late sum included."""
    history = folder.read_history()
    if not {"epoch", "seconds", "seconds_validation"} <= set(history):
        return float(metrics["seconds"])
    until = history[history["epoch"] <= metrics["epoch"]]
    epochs = until[["seconds", "seconds_validation"]].to_numpy().sum()
    return float(epochs + metrics.get("seconds_late", 0.0))


def _of_lists(
    name: str,
    files: Sequence[Path],
    folder: RunFolder,
    metrics: Sequence[str],
    *,
    label: str,
    journal: Journal,
) -> Scored:
    """Lists of one name: a file for each seed. A file is counted as a look at the test part once."""
    protocol, ks = _how(folder)
    trained_on = tuple(protocol["trained_on"])
    cell = f"{label}/{name}"
    scored = []
    for file in files:
        scored.append(score_lists(file, folder.data, trained_on=trained_on, ks=ks))
        sums = {event.get("sha256") for event in journal.events() if event["cell"] == cell}
        if (content := sha256(file)) not in sums:
            journal.add(cell, SCORED, {"sha256": content, "file": str(file)})
    users = folder.data.users.values.take(scored[0].evaluation.users)
    figures = {metric: np.stack([one.evaluation.per_user[metric] for one in scored]) for metric in metrics}
    looks = journal.cells()[cell]["test_scored"]
    facts = {"seeds": len(files), **_protocol(protocol), "settings": ", ".join(map(str, files))}
    notes = [f"{name}: {note}" for one in scored for note in one.notes]
    if looks > len(files):
        notes.append(f"{name}: {looks} files of lists have been scored on the test part, {len(files)} are shown.")
    return Scored(name, users, figures, facts, notes)


def _of_popularity(folder: RunFolder, metrics: Sequence[str]) -> Scored:
    """What every table needs beside it; nothing is chosen for it, so looking again costs nothing."""
    protocol, ks = _how(folder)
    trained_on, split = tuple(protocol["trained_on"]), folder.data.split
    measured = measure_test(popularity_baseline(split, trained_on), split, trained_on=trained_on, ks=ks)
    users = folder.data.users.values.take(measured.users)
    facts = {"seeds": 1, **_protocol(protocol), "settings": "interactions of each item"}
    return Scored(POPULARITY, users, {name: measured.per_user[name][None] for name in metrics}, facts)


def _how(folder: RunFolder) -> tuple[dict[str, Any], tuple[int, ...]]:
    return folder.read_json(folder.metrics_file)["protocol"], folder.config.evaluation.k


def _check_users(rows: Sequence[Scored]) -> None:
    for row in rows:
        if not row.users.equals(rows[0].users):
            raise _other_users(row.method)


def _other_users(where: str) -> UserError:
    rule = "those of the other methods: one split, one data set, one --k"
    return must_be(f"bench: {where}", "the measured users and metrics", rule, "others", "bench them apart")


def _row(row: Scored, compared: Mapping[str, Mapping[str, Compared]], main: str) -> dict[str, Any]:
    columns: dict[str, Any] = {"method": row.method, "seeds": row.facts["seeds"]}
    for name, by_method in compared.items():
        found = by_method[row.method]
        columns |= {
            name: found.mean,
            f"{name}_low": found.low,
            f"{name}_high": found.high,
            f"{name}_sd": found.sd,
        }
    beside = compared[main][row.method]
    columns |= {name: getattr(beside, name) for name in ("difference", "difference_low", "difference_high", "p")}
    columns["p_holm"] = beside.p_corrected
    extra = (f"valid_{main}", f"both_removed_{main}", "seconds", "epoch", "peak_memory", "trials",
             "removed_at_test", "split", "selected_on", "settings", "test_scored")  # fmt: skip
    return columns | {name: row.facts.get(name) for name in extra}


def _warnings(rows: Sequence[Scored], cells: Sequence[Cell], done: Sequence[Cell]) -> list[str]:
    """What makes the rows less comparable than they look."""
    notes = []
    trials = {row.method: row.facts["trials"] for row in rows if row.facts.get("trials") is not None}
    if len(set(trials.values())) > 1:
        said = ", ".join(f"{name} {number}" for name, number in trials.items())
        notes.append(f"Warning: settings were chosen with different numbers of trials: {said}.")
    if missing := [cell.name for cell in cells if cell not in done]:
        notes.append(f"Warning: {len(missing)} of {len(cells)} runs are missing: {', '.join(missing[:5])}.")
    if last := sorted({cell.method for cell in done if _at_the_end(cell)}):
        notes.append(f"Warning: the chosen epoch is the last one that was allowed: {', '.join(last)}.")
    looks = {row.method: row.facts["test_scored"] for row in rows if (row.facts.get("test_scored") or 0) > 1}
    if looks:
        said = ", ".join(f"{name} {number} times" for name, number in looks.items())
        notes.append(f"Warning: the test part of a run was scored more than once: {said}.")
    if any(row.facts.get("removed_at_test") not in (None, " + ".join(sorted(BOTH))) for row in rows):
        notes.append(
            "Validation items may fill test ranks, as published for this split; the column `both removed` is of "
            "the same models without them, and stands beside no published figure."
        )
    return notes


def _at_the_end(cell: Cell) -> bool:
    """Whether more epochs might have been better: nothing but their number stopped the search."""
    metrics = cell.folder.read_json(cell.folder.metrics_file)
    return bool(metrics["epoch"] >= cell.config.training.max_epochs > 0 and metrics["valid"])


def _stack(tables: Sequence[pd.DataFrame], name: str) -> np.ndarray:
    return np.stack([table[name].to_numpy(np.float64) for table in tables])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
