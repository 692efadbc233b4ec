"""Ranking losses and penalties as plain loops over Python floats."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def bpr(user: Rows, positive: Rows, negative: Rows) -> list[float]:
    """-log sigmoid(positive score - negative score), triple by triple."""
    losses = []
    for u, i, j in zip(user, positive, negative, strict=True):
        margin = math.fsum(a * (b - c) for a, b, c in zip(u, i, j, strict=True))
        losses.append(-math.log(1 / (1 + math.exp(-margin))))
    return losses


def l2(*rows: Rows) -> list[float]:
    """Half of all squared entries, row by row."""
    return [0.5 * math.fsum(entry**2 for part in parts for entry in part) for parts in zip(*rows, strict=True)]


def best_items(
    user: Rows, item: Rows, k: int
) -> tuple[tuple[list[list[int]], list[list[float]]], list[list[float]]]:
    """The k items of each user with the highest dot products, ties to the lower index; and all the scores."""
    table = [[math.fsum(a * b for a, b in zip(u, v, strict=True)) for v in item] for u in user]
    lists = [sorted(range(len(item)), key=lambda i, row=row: (-row[i], i))[:k] for row in table]  # type: ignore[misc]
    return (lists, [[row[i] for i in best] for row, best in zip(table, lists, strict=True)]), table
