"""The text files of the TU collection of graph data sets -> a GraphSet. Nothing is written or downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sgl_rec.data.graph_set import GraphSet
from sgl_rec.errors import UserError, must_be, one_line


def read_tu(
    folder: Path,
    *,
    max_degree: int = 100,
    known: Sequence[Sequence[int]] | None = None,
    most_degree: int | None = None,
) -> GraphSet:
    """The graphs of a TU folder: ``NAME_A.txt`` and its companions, in it or in its ``raw/``.

    Features are the node attributes, where there is a file of them, and behind them the node labels one-hot, a
    column for each label that occurs. Where there are neither they are the degree one-hot. Self-loops and
    repeated edges are left out; edge labels and edge attributes are not read.

    Args:
        max_degree: degrees above it share the last column.
        known: of every column of node labels those that have a feature, as an earlier reading found them
            (``node_labels``); by default those that occur here.
        most_degree: the last column of degrees, as an earlier reading found it; by default the highest here.

    Raises: UserError for a folder without such files, and for a file that does not fit the others.

    Reference: Morris et al., "TUDataset: A collection of benchmark datasets for learning with graphs"
    (arXiv:2007.08663), section 3 for the format. Difference from ``torch_geometric.datasets.TUDataset``: a node
    label that no node has gets no column.
    """
    prefix = _prefix(folder)
    graph_of_node = _graph_of_node(_at(prefix, "graph_indicator"))
    num_nodes, num_graphs = len(graph_of_node), int(graph_of_node[-1]) + 1
    edges = _edges(_at(prefix, "A"), graph_of_node)
    x, labels = _features(prefix, num_nodes, known)
    if x is not None:
        most_degree = None
    else:
        x = _degree_one_hot(edges, num_nodes, max_degree, most_degree)
        most_degree = x.shape[1] - 1
    label, classes = None, ()
    if (path := _at(prefix, "graph_labels")).is_file():
        values = _table(path, np.int64, rows=num_graphs, columns=1)[:, 0]
        found, label = np.unique(values, return_inverse=True)
        classes = tuple(found.tolist())
    return GraphSet(
        prefix.name,
        torch.from_numpy(x),
        torch.from_numpy(edges),
        torch.from_numpy(np.searchsorted(graph_of_node, np.arange(num_graphs + 1))),
        None if label is None else torch.from_numpy(label),
        classes,
        labels,
        most_degree,
    )


def _prefix(folder: Path) -> Path:
    """The folder of the files and the name that all of them begin with."""
    found = [path for place in (folder, folder / "raw") for path in sorted(place.glob("*_A.txt"))]
    if len(found) != 1:
        got = ", ".join(path.name for path in found) or "none"
        raise must_be(str(folder), "the folder", "of one TU data set, with a file NAME_A.txt", got)
    return found[0].with_name(found[0].name.removesuffix("_A.txt"))


def _at(prefix: Path, part: str) -> Path:
    return prefix.with_name(f"{prefix.name}_{part}.txt")


def _table(
    path: Path, dtype: type[np.generic], *, rows: int | None = None, columns: int | None = None
) -> np.ndarray:
    """The numbers of a file of comma-separated lines, two-dimensional."""
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinity, and refused below
            frame = pd.read_csv(path, header=None, skipinitialspace=True, dtype=dtype)
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: cannot be read as numbers ({one_line(error)}); check the file") from error
    table = frame.to_numpy()
    if rows is not None and len(table) != rows:
        raise must_be(str(path), "lines", f"{rows}, as the other files have", len(table), "check the folder")
    if columns is not None and table.shape[1] != columns:
        raise must_be(str(path), "columns", str(columns), table.shape[1])
    if not np.isfinite(table).all():
        raise must_be(str(path), "the numbers", "finite", "nan or infinity")
    return table


def _graph_of_node(path: Path) -> np.ndarray:
    """The graph of each node, counted from 0; every graph has nodes, and they stand together."""
    graph = _table(path, np.int64, columns=1)[:, 0] - 1
    step = np.diff(graph, prepend=-1)
    if graph[0] != 0 or not np.isin(step, (0, 1)).all():
        line = int(np.flatnonzero((step != 0) & (step != 1))[0]) + 1
        raise must_be(f"{path}, line {line}", "graphs", "numbered from 1 in ascending order", graph[line - 1] + 1)
    return graph


def _edges(path: Path, graph_of_node: np.ndarray) -> np.ndarray:
    """(2, E), sorted, without loops and repeats."""
    pairs = _table(path, np.int64, columns=2) - 1
    num_nodes = len(graph_of_node)
    wrong = ((pairs < 0) | (pairs >= num_nodes)).any(axis=1)
    rule = f"numbers of nodes, 1 to {num_nodes}"
    if not wrong.any():
        ends = graph_of_node[pairs]
        wrong, rule = ends[:, 0] != ends[:, 1], "two nodes of one graph"
    if wrong.any():
        line = int(np.flatnonzero(wrong)[0])
        raise must_be(f"{path}, line {line + 1}", "an edge", rule, tuple((pairs[line] + 1).tolist()))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    code = np.unique(pairs[:, 0] * num_nodes + pairs[:, 1])
    return np.stack([code // num_nodes, code % num_nodes])


def _features(
    prefix: Path, num_nodes: int, known: Sequence[Sequence[int]] | None
) -> tuple[np.ndarray | None, tuple[tuple[int, ...], ...]]:
    """Attributes and one-hot labels, side by side (None without either), and the labels in their order."""
    blocks, found = [], []
    if (path := _at(prefix, "node_attributes")).is_file():
        blocks.append(_table(path, np.float32, rows=num_nodes))
    if (path := _at(prefix, "node_labels")).is_file():
        labels = _table(path, np.int64, rows=num_nodes, columns=None if known is None else len(known))
        for place, column in enumerate(labels.T):
            own = np.unique(column) if known is None else np.asarray(known[place], np.int64)
            code = np.searchsorted(own, column).clip(max=len(own) - 1)
            if (wrong := own[code] != column).any():
                line = int(np.flatnonzero(wrong)[0])
                rule = f"one of the {len(own)} that are known"
                raise must_be(f"{path}, line {line + 1}", "a node label", rule, int(column[line]))
            blocks.append(np.eye(len(own), dtype=np.float32)[code])
            found.append(tuple(own.tolist()))
    return np.hstack(blocks) if blocks else None, tuple(found)


def _degree_one_hot(edges: np.ndarray, num_nodes: int, max_degree: int, most_degree: int | None) -> np.ndarray:
    if max_degree < 0:
        raise must_be("read_tu", "max_degree", "at least 0", max_degree)
    degree = np.minimum(np.bincount(edges[0], minlength=num_nodes), max_degree)
    most = int(degree.max()) if most_degree is None else most_degree
    rows: np.ndarray = np.eye(most + 1, dtype=np.float32)[np.minimum(degree, most)]
    return rows
