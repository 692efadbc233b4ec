"""The probes of embeddings as plain loops; imports nothing of the program."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in other))
    return sum(x * y for x, y in zip(one, other, strict=True)) / lengths if lengths else 0.0


def knn(query: Rows, gallery: Rows, label: Sequence[int], k: int) -> list[int]:
    found = []
    for row in query:
        order = sorted(range(len(gallery)), key=lambda place: (-cosine(row, gallery[place]), place))
        near = [label[place] for place in order[:k]]
        found.append(max(near, key=lambda one: (near.count(one), -near.index(one))))
    return found


def classification(predicted: Sequence[int], label: Sequence[int]) -> dict[str, float]:
    classes = sorted(set(predicted) | set(label))
    precision = recall = f1 = 0.0
    for one in classes:
        right = sum(1 for guess, truth in zip(predicted, label, strict=True) if guess == truth == one)
        guessed, there = list(predicted).count(one), list(label).count(one)
        precision += right / guessed if guessed else 0
        recall += right / there if there else 0
        f1 += 2 * right / (guessed + there)
    number = len(classes)
    hits = sum(guess == truth for guess, truth in zip(predicted, label, strict=True))
    return {
        "accuracy": hits / len(label),
        "precision": precision / number,
        "recall": recall / number,
        "f1": f1 / number,
    }


def first_rank(query: Rows, gallery: Rows, query_id: Sequence[int], gallery_id: Sequence[int]) -> list[int]:
    ranks = []
    for row, wanted in zip(query, query_id, strict=True):
        order = sorted(range(len(gallery)), key=lambda place: (-cosine(row, gallery[place]), place))
        ranks.append(next(rank for rank, place in enumerate(order, 1) if gallery_id[place] == wanted))
    return ranks


def ranks(values: Sequence[float]) -> list[float]:
    """From 1; equal values share their mean rank."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def spearman(values: Sequence[float], others: Sequence[float]) -> float:
    first, second = ranks(values), ranks(others)
    middle = (len(values) + 1) / 2
    above = sum((a - middle) * (b - middle) for a, b in zip(first, second, strict=True))
    below = math.sqrt(sum((a - middle) ** 2 for a in first) * sum((b - middle) ** 2 for b in second))
    return above / below if below else 0.0


def mutual_information(one: Sequence[int], other: Sequence[int]) -> float:
    """Normalised by the mean of the entropies."""
    number = len(one)

    def share(*conditions: bool) -> float:
        return sum(conditions) / number

    def entropy(column: Sequence[int]) -> float:
        shares = [share(*(value == name for value in column)) for name in set(column)]
        return -sum(p * math.log(p) for p in shares)

    information = 0.0
    for a in set(one):
        for b in set(other):
            both = share(*(x == a and y == b for x, y in zip(one, other, strict=True)))
            if both:
                apart = share(*(x == a for x in one)) * share(*(y == b for y in other))
                information += both * math.log(both / apart)
    mean = (entropy(one) + entropy(other)) / 2
    return information / mean if mean else 1.0


def zero_shot(image: Rows, prompts: Sequence[Rows]) -> list[int]:
    """The class whose mean unit prompt is nearest."""
    centres = []
    for rows in prompts:
        total = [0.0] * len(rows[0])
        for row in rows:
            length = math.sqrt(sum(x * x for x in row))
            total = [t + x / length / len(rows) for t, x in zip(total, row, strict=True)]
        centres.append(total)
    return [max(range(len(centres)), key=lambda c: (cosine(row, centres[c]), -c)) for row in image]
