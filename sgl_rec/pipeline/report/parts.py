"""The parts of a report that need no ranking: facts, curves, reach, map, sample users."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from sgl_rec.evaluation.beyond import coverage, mean_popularity
from sgl_rec.export.charts import Dot, Series
from sgl_rec.export.item_map import principal_plane
from sgl_rec.export.report_data import ItemMap, Panel, Reach, Row, Sample
from sgl_rec.pipeline.report.lists import LISTED, Gathered, Material
from sgl_rec.pipeline.run_folder import StoredData
from sgl_rec.types import Embeddings, Scorer

ACCURACY = ("recall", "ndcg", "precision", "hit_rate", "mrr", "map")
"""Metrics that are better the higher they are."""

DRAWN, LABELLED = 4000, 30
"""Items on the map, and those whose title is written there."""

SMALLEST, LARGEST = 1.6, 11.0
"""Radii on the map."""

STEPS = 200
"""Points of a curve of the reach."""

SOME = 12
"""Items of a user's history, and of those held out, that are named."""


def facts(metrics: Mapping[str, Any], *, log_file: Path) -> list[tuple[str, str]]:
    """What the run was, as (name, value)."""
    protocol, around = metrics["protocol"], metrics["environment"]
    removed = " and ".join(protocol["remove_at_test"])
    seeds = f"seed {protocol['seed']}"
    if protocol.get("split_seed") is not None:
        seeds += f", split seed {protocol['split_seed']}"
    split = f"{protocol['split']} ({seeds}); {removed} items leave the ranking at test"
    people = ""
    if "users_measured" in protocol:
        people = f"{protocol['users_measured']:,}, {protocol['users_left_out']:,} left out (no test items)"
    trained = " + ".join(metrics["model_trained_on"])
    epoch = f"{metrics['epoch']} of {metrics['epochs_run']}, by {protocol['metric']} on {protocol['selected_on']}"
    if not metrics["epoch"]:
        epoch = "none, it is fitted at once"
    device = ", ".join(filter(None, (around.get("device"), around.get("gpu") or around.get("processor"))))
    versions = ", ".join(f"{name} {around[name]}" for name in ("sgl_rec", "torch", "python") if around.get(name))
    return [
        ("Method", str(metrics["method"])),
        ("Data", f"{metrics['dataset']}, sha256 {str(metrics['sha256'])[:12]}"),
        ("Split", split),
        ("Users measured", people or "none"),
        ("Chosen epoch", f"{epoch}; the model was trained on {trained}"),
        ("Training", f"{metrics['seconds']:,.1f} s on {device}; threads: {around.get('threads', '?')}"),
        ("Versions", versions),
        ("Date", _date(log_file)),
    ]


def _date(log_file: Path) -> str:
    """When training began: the first words of the log."""
    with contextlib.suppress(OSError), log_file.open("rb") as stream:
        begun = re.match(rb"\d{4}-\d\d-\d\dT\d\d:\d\d", stream.read(16))
        if begun:
            return begun[0].decode().replace("T", " ")
    return "not known"


def rows(metrics: Mapping[str, Any]) -> list[Row]:
    """The test figures as ``metrics.json`` has them."""
    popular = metrics["baselines"]["popularity"]
    return [
        Row(name, value, tuple(span) if (span := metrics["interval"].get(name)) else None, popular.get(name))
        for name, value in metrics["test"].items()
    ]


def notes(metrics: Mapping[str, Any]) -> list[str]:
    """What a reader of the figures must know."""
    test, popular = metrics["test"], metrics["baselines"]["popularity"]
    found = []
    lost = [name for name in test if name.split("@")[0] in ACCURACY and test[name] <= popular[name]]
    if lost:
        found.append(f"Popularity is as good or better at {', '.join(lost)}.")
    if metrics["protocol"]["selected_on"] != "valid":
        found.append("No epoch was chosen: there are no validation interactions.")
    if "test" in metrics["model_trained_on"]:
        found.append(
            "The model was trained on the test part too, for use; the figures were measured before that."
        )
    return found


def panels(history: pd.DataFrame) -> dict[str, list[Panel]]:
    """Every column of the history, those of one name in one chart; empty where there is one epoch or none."""
    if len(history) < 2:
        return {}
    found: dict[str, dict[str, list[Series]]] = {}
    epochs = history["epoch"].tolist()
    for column in history.columns.drop("epoch"):
        heading, title, name = _place(str(column))
        series = Series(name, epochs, history[column].astype(float).tolist())
        found.setdefault(heading, {}).setdefault(title, []).append(series)
    return {
        heading: [Panel(title, lines) for title, lines in found[heading].items()]
        for heading in ("Loss terms", "Validation", "Monitors", "Time")
        if heading in found
    }


def _place(column: str) -> tuple[str, str, str]:
    """Heading, chart and line of a column of the history."""
    if column.startswith("seconds"):
        return "Time", "seconds an epoch", column.removeprefix("seconds_").replace("seconds", "training")
    if column.startswith("monitor."):
        name = column.removeprefix("monitor.")
        side, _, figure = name.partition("_")
        return ("Monitors", figure, side) if side in ("user", "item") else ("Monitors", name, name)
    if "@" in column:
        return "Validation", column.partition("@")[0], column
    return "Loss terms", column, column


def head_of(degree: np.ndarray) -> np.ndarray:
    """The fewest items that hold half of all interactions, as a mask: the most popular ones."""
    order = np.argsort(-degree, kind="stable")
    size = int(np.searchsorted(degree[order].cumsum(), degree.sum() / 2)) + 1
    head = np.zeros(len(degree), bool)
    head[order[:size]] = True
    return head


def reach(material: Material, degree: np.ndarray, ours: Gathered, popular: Gathered) -> Reach:
    """Where on the catalogue the places of the lists fall."""
    order = np.argsort(-degree, kind="stable")
    kinds = {
        "the method's lists": ours.count.numpy(),
        "popularity's lists": popular.count.numpy(),
        "interactions": degree,
    }
    curves = [_cumulative(name, count[order]) for name, count in kinds.items() if count.sum()]
    both = (ours, popular)
    table = {
        "items in any list": [f"{coverage(of.count):.1%}" for of in both],
        "places in the tail": [f"{_share(of.count.numpy(), ~material.head):.1%}" for of in both],
        "lists with an item of the tail": [f"{of.beyond / max(of.num_lists, 1):.1%}" for of in both],
        "mean interactions of a listed item": [
            f"{mean_popularity(of.count, torch.from_numpy(degree)):,.1f}" for of in both
        ],
    }
    lines = [(name, one, other) for name, (one, other) in table.items()]
    return Reach(
        curves if ours.num_lists else [],
        lines,
        int(material.head.sum()),
        len(degree),
        ours.num_lists,
        material.measured,
    )


def _cumulative(name: str, count: np.ndarray) -> Series:
    """Shares added up, at places that lie closer where the popular items are."""
    last = len(count)
    at = np.unique(np.rint(np.linspace(0, 1, STEPS) ** 2 * last).astype(int))
    total = np.concatenate([[0], count.cumsum()])
    return Series(name, (at / last).tolist(), (total[at] / total[-1]).tolist())


def _share(count: np.ndarray, mask: np.ndarray) -> float:
    return float(count[mask].sum() / max(count.sum(), 1))


def item_map(scorer: Scorer, stored: StoredData, degree: np.ndarray, *, head: np.ndarray) -> ItemMap | None:
    """The items that training knew, the most popular first (smaller points lie on larger ones)."""
    if not isinstance(scorer, Embeddings):
        return None
    known = np.argsort(-degree, kind="stable")[: int((degree > 0).sum())]
    place, shares = principal_plane(scorer.item[torch.from_numpy(known)])
    most = max(int(degree.max()), 1)
    dots = [
        Dot(
            x,
            y,
            SMALLEST + (LARGEST - SMALLEST) * float(degree[item] / most),
            0 if head[item] else 1,
            _name(stored, item),
            f" · {degree[item]:,} interactions",
        )
        for item, (x, y) in zip(known[:DRAWN].tolist(), place[:DRAWN].tolist(), strict=True)
    ]
    return ItemMap(dots, range(min(LABELLED, len(dots))), shares, len(known))


def samples(stored: StoredData, material: Material, ours: Gathered, *, shown: Sequence[int]) -> list[Sample]:
    """The users that were drawn, with titles for indices."""
    found = []
    for user in shown:
        history, held = (_items(pairs, user) for pairs in (material.trained, material.relevant))
        spread = [
            history[place] for place in np.linspace(0, len(history) - 1, min(SOME, len(history))).astype(int)
        ]
        found.append(
            Sample(
                user=str(stored.users.values[user]),
                activity=len(history),
                history=[_name(stored, item) for item in spread],
                held_out=[_name(stored, item) for item in held[:SOME]],
                num_held_out=len(held),
                listed=[(_name(stored, item), item in held) for item in ours.shown.get(user, [])[:LISTED]],
            )
        )
    return found


def _items(pairs: Any, user: int) -> list[int]:
    items: list[int] = pairs.rows(torch.tensor([user]))[1].tolist()
    return items


def _name(stored: StoredData, item: int) -> str:
    """The title where there is one, else the id."""
    title = None if stored.titles is None else stored.titles[item]
    return str(title) if title else str(stored.items.values[item])
