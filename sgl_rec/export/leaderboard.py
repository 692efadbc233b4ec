"""A leaderboard of one data set, for people (Markdown) and for programs (CSV)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sgl_rec.files import atomic_path

NOTHING = "–"  # an en dash: an empty cell looks like a fault
_MB = 1e6


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """One row a method, best first.

    Args:
        table: ``method``, ``seeds`` (how many), every metric of ``metrics`` with ``<metric>_low``, ``_high`` and
            ``_sd``, ``difference``, ``difference_low``, ``difference_high``, ``p``, ``p_holm``,
            ``valid_<metric>``, ``both_removed_<metric>``, ``seconds``, ``epoch``, ``peak_memory`` (bytes),
            ``trials``, ``removed_at_test``, ``split``, ``selected_on``, ``settings``, ``test_scored``.
        metric: what it is sorted by.
        metrics: what was measured, in the order of the columns.
        against: the method the others were tested against.
        facts: what holds for the whole table: hardware, date.
        notes: what a reader must know before comparing.
    """

    dataset: str
    table: pd.DataFrame
    metric: str
    metrics: Sequence[str]
    against: str
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


PROTOCOL = {"split": "split", "removed_at_test": "removed from the ranking at test", "selected_on": "chosen on"}
"""Columns that are said once, above the table, where they are the same in every row."""

SECONDS = (
    "Seconds: every step and validation up to the chosen epoch, and the fit of a late sum; a baseline's fit and "
    "validation. The first run on a machine has some ten seconds more where its kernels are compiled."
)
"""What the column means; it stands under the last table."""


def markdown(boards: Sequence[Leaderboard]) -> str:
    """Every leaderboard as a section with its table and its notes, and what the seconds are."""
    return "\n\n".join([*map(_section, boards), SECONDS]) + "\n"


def write_csv(boards: Sequence[Leaderboard], path: Path) -> None:
    """All rows with all columns, the data set first; a full precision figure can be compared, a rounded not."""
    tables = [board.table.assign(dataset=board.dataset) for board in boards]
    joined = pd.concat(tables, ignore_index=True)
    with atomic_path(path) as temporary:
        joined[["dataset", *joined.columns.drop("dataset")]].to_csv(temporary, index=False, lineterminator="\n")


def _section(board: Leaderboard) -> str:
    table = board.table
    same = [name for name in PROTOCOL if table[name].dropna().nunique() <= 1]
    said = [f"{PROTOCOL[name]}: {table[name].dropna().iloc[0]}" for name in same if table[name].notna().any()]
    columns = _columns(board)
    columns |= {name: _plainly(table[name]) for name in PROTOCOL if name not in same}
    lines = [_row(list(columns)), _row(["---" if name == "method" else "--:" for name in columns])]
    lines += [_row(cells) for cells in zip(*columns.values(), strict=True)]
    facts = [f"{name}: {value}" for name, value in board.facts.items()]
    head = [f"## {board.dataset}", "; ".join(said + facts) + ".", "\n".join(lines)]
    return "\n\n".join([*head, *([_notes(board)] if board.notes else [])])


def _columns(board: Leaderboard) -> dict[str, list[str]]:
    """The columns of the Markdown table, as text."""
    table, main = board.table, board.metric
    columns = {"method": [str(name) for name in table["method"]], "seeds": _numbers(table["seeds"], "d")}
    columns[f"{main} [95 %]"] = [
        f"{_digits(mean)} [{_digits(low)}, {_digits(high)}]"
        for mean, low, high in zip(table[main], table[f"{main}_low"], table[f"{main}_high"], strict=True)
    ]
    columns["sd of seeds"] = _numbers(table[f"{main}_sd"], ".4f")
    others = [name for name in board.metrics if name != main]
    columns |= {name: _numbers(table[name], ".4f") for name in others}
    extra = {f"valid {main}": f"valid_{main}", f"both removed {main}": f"both_removed_{main}"}
    columns |= {shown: _numbers(table[name], ".4f") for shown, name in extra.items() if table[name].notna().any()}
    columns[f"less {board.against}"] = _numbers(table["difference"], "+.4f")
    columns["p (Holm)"] = [
        NOTHING if pd.isna(p) else "<.001" if p < 0.001 else _digits(p, 3) for p in table["p_holm"]
    ]
    columns["seconds"] = _numbers(table["seconds"], ".0f", small=".1f")
    columns["epoch"] = _numbers(table["epoch"], "g")
    columns["peak MB"] = _numbers(table["peak_memory"] / _MB, ".0f")
    columns["trials"] = _numbers(table["trials"], "d")
    return columns


def _notes(board: Leaderboard) -> str:
    return "\n".join(f"- {note}" for note in board.notes)


def _numbers(values: pd.Series, form: str, *, small: str | None = None) -> list[str]:
    shown = []
    for value in values:
        if pd.isna(value):
            shown.append(NOTHING)
            continue
        chosen = small if small is not None and value < 10 else form
        text = format(int(value), chosen) if chosen.endswith("d") else format(float(value), chosen)
        shown.append(text.replace("0.", ".", 1) if text.lstrip("+-").startswith("0.") else text)
    return shown


def _digits(value: float, places: int = 4) -> str:
    text = f"{value:.{places}f}"
    return text[1:] if text.startswith("0.") else text


def _plainly(values: pd.Series) -> list[str]:
    return [NOTHING if pd.isna(value) else str(value) for value in values]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
