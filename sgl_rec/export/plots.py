"""A leaderboard as a picture; needs matplotlib (``pip install 'sgl-rec[plots]'``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from sgl_rec.export.leaderboard import Leaderboard
from sgl_rec.extras import needed
from sgl_rec.files import atomic_path

DECADE = 10
"""How far costs lie apart where a logarithmic axis shows them better."""
COLOUR, OTHER, GREY = "#1f5fa8", "#c2410c", "#767676"


def draw_leaderboard(board: Leaderboard, path: Path) -> None:
    """Write a PNG: each method's mean with its interval, and what it cost to get there.

    Raises: MissingDependencyError without matplotlib.
    """
    figure_module = needed("leaderboard", "matplotlib.figure")
    table = board.table.iloc[::-1].reset_index(drop=True)  # the best on top
    timed = table.dropna(subset=["seconds"])
    height = 1.6 + 0.32 * len(table)
    figure = figure_module.Figure(figsize=(11 if len(timed) else 6.5, max(3.2, height)), layout="constrained")
    axes = figure.subplots(1, 2 if len(timed) else 1, squeeze=False)[0]
    figure.suptitle(f"{board.dataset}: {board.metric} on the test part, 95 % intervals over users", fontsize=11)
    _means(axes[0], table, board)
    if len(timed):
        _costs(axes[1], timed, board.metric)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)


def _means(axes: Any, table: pd.DataFrame, board: Leaderboard) -> None:
    metric, places = board.metric, range(len(table))
    spread = [table[metric] - table[f"{metric}_low"], table[f"{metric}_high"] - table[metric]]
    axes.errorbar(table[metric], places, xerr=spread, fmt="none", ecolor=GREY, capsize=3, linewidth=1)
    colours = [OTHER if name == board.against else COLOUR for name in table["method"]]
    axes.scatter(table[metric], places, c=colours, s=30, zorder=3)
    axes.set_yticks(places, table["method"])
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel(metric)
    axes.set_title(f"in orange: the one the others are tested against ({board.against})", fontsize=8, color=GREY)
    _plain(axes, "x")


def _costs(axes: Any, table: pd.DataFrame, metric: str) -> None:
    axes.scatter(table["seconds"], table[metric], c=COLOUR, s=30, zorder=3)
    for name, seconds, value in zip(table["method"], table["seconds"], table[metric], strict=True):
        axes.annotate(name, (seconds, value), xytext=(5, 4), textcoords="offset points", fontsize=8)
    if 0 < DECADE * table["seconds"].min() < table["seconds"].max():
        axes.set_xscale("log")
    axes.margins(x=0.25, y=0.15)
    axes.set_xlabel("seconds of training to the chosen epoch")
    axes.set_ylabel(metric)
    axes.set_title("mean over seeds", fontsize=8, color=GREY)
    _plain(axes, "both")


def _plain(axes: Any, grid: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="#e5e5e5", linewidth=0.7)
    axes.set_axisbelow(True)
