"""What is made of the content of items, as plain loops over Python floats."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]
Table = list[list[float]]


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    lengths = math.sqrt(math.fsum(x * x for x in a)) * math.sqrt(math.fsum(x * x for x in b))
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0


def content_knn(touched: Sequence[set[int]], vectors: Rows, *, num_neighbours: int) -> Table:
    """The sum of an item's cosines to those of its nearest touched items that the user has touched."""
    warm = sorted(set().union(*touched))
    scores = [[0.0] * len(vectors) for _ in touched]
    for item, vector in enumerate(vectors):
        likeness = [(-cosine(vector, vectors[other]), other) for other in warm if other != item]
        for minus, other in sorted(likeness)[:num_neighbours]:
            for user, items in enumerate(touched):
                if other in items and minus < 0:
                    scores[user][item] -= minus
    return scores


def placed_items(
    first: Rows,
    user: Rows,
    place: Rows,
    popularity: Sequence[float],
    cold: Sequence[bool],
    *,
    weight: float,
    handicap: float,
    most: int = 1000,
) -> Table:
    """Cold items get what stands in the warm ones' list at ``handicap`` times their place by content."""
    warm = [item for item, is_cold in enumerate(cold) if not is_cold]

    def standard(values: Sequence[float]) -> list[float]:
        mean = statistics.fmean(values[item] for item in warm)
        deviation = statistics.pstdev([values[item] for item in warm])
        return [(value - mean) / deviation for value in values]

    def best(values: Sequence[float]) -> list[float]:
        return sorted((values[item] for item in warm), reverse=True)[:most]

    prior, table = standard(popularity), []
    for known, vector in zip(first, user, strict=True):
        near = standard([cosine(vector, other) for other in place])
        content = [a + weight * b for a, b in zip(near, prior, strict=True)]
        put = [value_at(best(known), handicap * place_among(best(content), value)) for value in content]
        table.append([put[item] if is_cold else known[item] for item, is_cold in enumerate(cold)])
    return table


def place_among(best: Sequence[float], value: float) -> float:
    """The place of a value in a descending row, from 1 on; towards 0 above it."""
    unit = statistics.pstdev(best)
    if value >= best[0]:
        return math.exp((best[0] - value) / unit)
    if value < best[-1]:
        return len(best) * (1 + (best[-1] - value) / unit)
    place = next(number for number in range(1, len(best)) if best[number] <= value)
    return place + (best[place - 1] - value) / (best[place - 1] - best[place])


def value_at(best: Sequence[float], place: float) -> float:
    """What stands at a place of a descending row."""
    unit = statistics.pstdev(best)
    if place < 1:
        return best[0] + (1 - place) * unit
    if place >= len(best):
        return best[-1] - (place / len(best) - 1) * unit
    before = math.floor(place)
    return best[before - 1] + (place - before) * (best[before] - best[before - 1])


def tower_input(blocks: Sequence[Rows], known: Sequence[Sequence[bool]], learnt: Sequence[int]) -> Table:
    """Centred and scaled by the rows ``learnt``, joined; an unknown block is 0."""
    share = math.sqrt(sum(len(block[0]) for block in blocks) / len(blocks))
    joined: Table = [[] for _ in known]
    for number, block in enumerate(blocks):
        own = [block[row] for row in learnt if known[row][number]]
        mean = [statistics.fmean(column) for column in zip(*own, strict=True)]
        scale = statistics.fmean(math.dist(row, mean) for row in own)
        for row, numbers in enumerate(block):
            scaled = [share * (value - m) / scale for value, m in zip(numbers, mean, strict=True)]
            joined[row] += scaled if known[row][number] else [0.0] * len(mean)
    return joined


def tfidf(learnt: Sequence[Sequence[str]], texts: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Of each text (a list of words) its unit row by word; known are words of two ``learnt`` texts or more."""
    texts_with = {word: sum(word in text for text in learnt) for text in learnt for word in text}
    weight = {
        word: 1 + math.log((1 + len(learnt)) / (1 + number)) for word, number in texts_with.items() if number > 1
    }
    rows = []
    for text in texts:
        row = {word: (1 + math.log(text.count(word))) * weight[word] for word in set(text) if word in weight}
        length = math.sqrt(math.fsum(value * value for value in row.values()))
        rows.append({word: value / length for word, value in row.items()})
    return rows
