"""Ranking metrics as plain loops over one user's list; imports nothing of the program."""

from __future__ import annotations

import math
from collections.abc import Sequence


def recall(ranked: Sequence[int], relevant: set[int], k: int) -> float:
    found = 0
    for item in ranked[:k]:
        if item in relevant:
            found += 1
    return found / len(relevant)


def precision(ranked: Sequence[int], relevant: set[int], k: int) -> float:
    found = 0
    for item in ranked[:k]:
        if item in relevant:
            found += 1
    return found / k


def hit_rate(ranked: Sequence[int], relevant: set[int], k: int) -> float:
    for item in ranked[:k]:
        if item in relevant:
            return 1.0
    return 0.0


def mrr(ranked: Sequence[int], relevant: set[int], k: int) -> float:
    for place, item in enumerate(ranked[:k], start=1):
        if item in relevant:
            return 1 / place
    return 0.0


def ndcg(ranked: Sequence[int], relevant: set[int], k: int) -> float:
    gain = 0.0
    for place, item in enumerate(ranked[:k], start=1):
        if item in relevant:
            gain += 1 / math.log2(place + 1)
    best = 0.0
    for place in range(1, min(k, len(relevant)) + 1):
        best += 1 / math.log2(place + 1)
    return gain / best


def average_precision(ranked: Sequence[int], relevant: set[int], k: int) -> float:
    total, found = 0.0, 0
    for place, item in enumerate(ranked[:k], start=1):
        if item in relevant:
            found += 1
            total += found / place
    return total / len(relevant)


def gini(counts: Sequence[int]) -> float:
    """Half the mean absolute difference of all pairs, over the mean."""
    difference = 0
    for one in counts:
        for other in counts:
            difference += abs(one - other)
    mean = sum(counts) / len(counts)
    return difference / (2 * len(counts) ** 2 * mean)


METRICS = {
    "recall": recall,
    "ndcg": ndcg,
    "precision": precision,
    "hit_rate": hit_rate,
    "mrr": mrr,
    "map": average_precision,
}
