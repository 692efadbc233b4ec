"""Figures as plain text tables, for people and for ``| column``-like tools alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ACCURACY = ("recall", "ndcg", "precision", "hit_rate", "mrr", "map")
"""Metrics that are better the higher they are."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; the first to the left, the others to the right.

    Example:
        >>> print(table(["name", "n"], [["a", "10"], ["bcd", "7"]]))
        name   n
        a     10
        bcd    7
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def metrics_table(metrics: Mapping[str, Any], *, title: str) -> str:
    """The test figures beside popularity's, one metric a row; where popularity wins, it says so."""
    test, popularity = metrics["test"], metrics["baselines"]["popularity"]
    if not test:
        return "no test interactions: nothing was measured"
    rows = [[name, figure(name, value), figure(name, popularity[name])] for name, value in test.items()]
    text = table(["test", title, "popularity"], rows)
    if "cold" in metrics:
        text += f"\n\n{cold_table(metrics['cold'], title=title)}"
    main = metrics["protocol"].get("metric", "ndcg@20")
    if main in test and test[main] <= popularity[main]:
        return f"{text}\nNOTE: popularity is as good or better at {main}; these lists are not worth serving."
    lost = [name for name, value in test.items() if name.split("@")[0] in ACCURACY and value <= popularity[name]]
    return f"{text}\nNOTE: popularity is as good or better at {', '.join(lost)}." if lost else text


def cold_table(cold: Mapping[str, Any], *, title: str) -> str:
    """The figures of cold and of warm items apart, beside a random order's and other scorers'.

    Example:
        >>> found = {"test": {"recall@20": 0.1}, "random": {"recall@20": 0.02}}
        >>> print(cold_table({"cold_among_all": found}, title="m"))
        test items         metric       m  random order
        cold among all  recall@20  0.1000        0.0200
    """
    others = list(dict.fromkeys(label for found in cold.values() for label in found.get("beside", {})))
    rows = []
    for name, found in cold.items():
        for metric, value in found["test"].items():
            beside = [found.get("beside", {}).get(label, {}).get("test", {}) for label in others]
            cells = [figure(metric, other[metric]) if metric in other else "" for other in beside]
            random = figure(metric, found["random"][metric])
            rows.append([name.replace("_", " "), metric, figure(metric, value), random, *cells])
    return table(
        ["test items", "metric", title, "random order", *(one.replace("_", " ") for one in others)], rows
    )


def figure(name: str, value: float) -> str:
    """Four decimals for shares, one for counts."""
    return f"{value:.1f}" if name.startswith("mean_popularity") else f"{value:.4f}"
