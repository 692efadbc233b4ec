"""GIN as plain loops in float64: nodes, their incoming edges, and lists of numbers."""

from __future__ import annotations

Row = list[float]
Linear = tuple[list[Row], Row]
"""Weight (one row for each output) and bias."""


def linear(rows: list[Row], layer: Linear) -> list[Row]:
    weight, bias = layer
    return [
        [sum(w * x for w, x in zip(line, row, strict=True)) + b for line, b in zip(weight, bias, strict=True)]
        for row in rows
    ]


def relu(rows: list[Row]) -> list[Row]:
    return [[max(0.0, x) for x in row] for row in rows]


def batch_norm(rows: list[Row], *, eps: float = 1e-5) -> list[Row]:
    """By the mean and the (biased) variance of these rows."""
    columns = []
    for column in zip(*rows, strict=True):
        mean = sum(column) / len(column)
        variance = sum((x - mean) ** 2 for x in column) / len(column)
        columns.append([(x - mean) / (variance + eps) ** 0.5 for x in column])
    return [list(row) for row in zip(*columns, strict=True)]


def gin(
    rows: list[Row],
    edges: list[tuple[int, int]],
    graph_of_node: list[int],
    num_graphs: int,
    layers: list[tuple[Linear, Linear]],
) -> list[Row]:
    """One row for each graph: the sums of all layers, one after the other."""
    result: list[Row] = [[] for _ in range(num_graphs)]
    for first, second in layers:
        gathered = [list(row) for row in rows]
        for source, target in edges:
            gathered[target] = [a + b for a, b in zip(gathered[target], rows[source], strict=True)]
        rows = batch_norm(relu(linear(relu(linear(gathered, first)), second)))
        width = len(rows[0])
        sums = [[0.0] * width for _ in range(num_graphs)]
        for row, graph in zip(rows, graph_of_node, strict=True):
            sums[graph] = [a + b for a, b in zip(sums[graph], row, strict=True)]
        for graph in range(num_graphs):
            result[graph] += sums[graph]
    return result
