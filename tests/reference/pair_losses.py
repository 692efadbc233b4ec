"""Losses of pairs, classes and clusters as plain loops over Python floats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.reference.contrastive import Rows, cosine, dot


def _pick(own: float, others: Sequence[float]) -> float:
    """-log of the share of ``own`` among the exponentials of all."""
    top = max(own, *others) if others else own
    return top + math.log(math.exp(own - top) + math.fsum(math.exp(other - top) for other in others)) - own


def nt_xent(first: Rows, second: Rows, temperature: float) -> list[float]:
    """Both views as anchors; everything but the anchor itself is a candidate."""
    rows, size = [*first, *second], len(first)
    losses = []
    for i, anchor in enumerate(rows):
        partner = i + size if i < size else i - size
        others = [cosine(anchor, rows[k]) / temperature for k in range(2 * size) if k not in (i, partner)]
        losses.append(_pick(cosine(anchor, rows[partner]) / temperature, others))
    return losses


def clip(image: Rows, text: Rows, temperature: float) -> list[float]:
    """Half of picking the text, half of picking the image."""
    losses = []
    for b in range(len(image)):
        own = cosine(image[b], text[b]) / temperature
        texts = [cosine(image[b], text[j]) / temperature for j in range(len(text)) if j != b]
        images = [cosine(image[j], text[b]) / temperature for j in range(len(image)) if j != b]
        losses.append((_pick(own, texts) + _pick(own, images)) / 2)
    return losses


def moco(query: Rows, key: Rows, queue: Rows, temperature: float) -> list[float]:
    """1 + K logits a query: its own key, and the queue."""
    return [
        _pick(cosine(q, k) / temperature, [cosine(q, other) / temperature for other in queue])
        for q, k in zip(query, key, strict=True)
    ]


def simcse(first: Rows, second: Rows, temperature: float, negative: Rows = ()) -> list[float]:
    """Each sentence against all positives and all hard negatives of the batch."""
    losses = []
    for b, anchor in enumerate(first):
        others = [cosine(anchor, row) / temperature for j, row in enumerate(second) if j != b]
        others += [cosine(anchor, row) / temperature for row in negative]
        losses.append(_pick(cosine(anchor, second[b]) / temperature, others))
    return losses


def supervised_contrastive(rows: Rows, label: Sequence[int], temperature: float) -> list[float]:
    """L_out: the mean over a row's positives of picking that one out of all other rows; 0 without a positive."""
    losses = []
    for i, anchor in enumerate(rows):
        others = [k for k in range(len(rows)) if k != i]
        terms = [
            _pick(
                cosine(anchor, rows[p]) / temperature,
                [cosine(anchor, rows[k]) / temperature for k in others if k != p],
            )
            for p in others
            if label[p] == label[i]
        ]
        losses.append(math.fsum(terms) / len(terms) if terms else 0.0)
    return losses


def byol(prediction: Rows, target: Rows) -> list[float]:
    """Two minus twice the cosine."""
    return [2 - 2 * cosine(q, z) for q, z in zip(prediction, target, strict=True)]


def barlow_twins(first: Rows, second: Rows, off_diagonal_weight: float, floor: float = 1e-5) -> float:
    """Squared distances of the correlation matrix from the identity, those off the diagonal with a weight."""
    size, width = len(first), len(first[0])

    def standardised(rows: Rows) -> list[list[float]]:
        columns = []
        for d in range(width):
            mean = math.fsum(row[d] for row in rows) / size
            variance = math.fsum((row[d] - mean) ** 2 for row in rows) / size
            columns.append([(row[d] - mean) / math.sqrt(variance + floor) for row in rows])
        return columns

    total = 0.0
    for i, x in enumerate(standardised(first)):
        for j, y in enumerate(standardised(second)):
            c = math.fsum(a * b for a, b in zip(x, y, strict=True)) / size
            total += (1 - c) ** 2 if i == j else off_diagonal_weight * c**2
    return total


def balanced_codes(scores: Rows, epsilon: float, num_iterations: int) -> list[list[float]]:
    """Sinkhorn's iterations on the exponentials themselves: columns to 1/K, then rows to 1/B."""
    size, number = len(scores), len(scores[0])
    code = [[math.exp(score / epsilon) for score in row] for row in scores]
    for _ in range(num_iterations):
        for k in range(number):
            column = math.fsum(row[k] for row in code)
            for row in code:
                row[k] /= column * number
        for row in code:
            total = math.fsum(row)
            row[:] = [entry / (total * size) for entry in row]
    return [[entry * size for entry in row] for row in code]


def swav(
    first: Rows, second: Rows, prototype: Rows, temperature: float, epsilon: float, num_iterations: int
) -> list[float]:
    """Half of predicting the second view's code from the first, half of the other way round."""
    scores = [[[cosine(row, c) for c in prototype] for row in view] for view in (first, second)]
    codes = [balanced_codes(view, epsilon, num_iterations) for view in scores]
    losses = []
    for b in range(len(first)):
        total = 0.0
        for here, there in ((0, 1), (1, 0)):
            logits = [score / temperature for score in scores[here][b]]
            for k, share in enumerate(codes[there][b]):
                total += share * _pick(logits[k], logits[:k] + logits[k + 1 :])
        losses.append(total / 2)
    return losses


def queue_after(start: Rows, batches: Sequence[Rows]) -> list[list[float]]:
    """The last rows that were put in, oldest first."""
    queue = [list(row) for row in start]
    for batch in batches:
        for row in batch:
            queue.pop(0)
            queue.append(list(row))
    return queue


def triplet(anchor: Rows, positive: Rows, negative: Rows, margin: float) -> list[float]:
    """How far the negative is too near."""
    return [
        max(0.0, math.dist(a, p) - math.dist(a, n) + margin)
        for a, p, n in zip(anchor, positive, negative, strict=True)
    ]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _kinds(label: Sequence[int], i: int) -> tuple[list[int], list[int]]:
    """The others of row i's label, and the rows of other labels."""
    others = [j for j in range(len(label)) if j != i]
    return [j for j in others if label[j] == label[i]], [j for j in others if label[j] != label[i]]


def margin_contrastive(rows: Rows, label: Sequence[int], margin: float) -> list[float]:
    """Half a squared distance to the own kind, half of what is missing to the margin, squared, to the others."""
    losses = []
    for i, row in enumerate(rows):
        own, others = _kinds(label, i)
        near = _mean([math.dist(row, rows[j]) ** 2 / 2 for j in own])
        losses.append(near + _mean([max(0.0, margin - math.dist(row, rows[j])) ** 2 / 2 for j in others]))
    return losses


def logistic(rows: Rows, label: Sequence[int], temperature: float) -> list[float]:
    """Minus the log-probability that each pair is of its kind."""

    def cost(score: float) -> float:
        return max(0.0, -score) + math.log1p(math.exp(-abs(score)))

    losses = []
    for i, row in enumerate(rows):
        own, others = _kinds(label, i)
        near = _mean([cost(cosine(row, rows[j]) / temperature) for j in own])
        losses.append(near + _mean([cost(-cosine(row, rows[j]) / temperature) for j in others]))
    return losses


def n_pair(anchor: Rows, positive: Rows) -> list[float]:
    """log(1 + sum of the exponentials of the others' scores less the own one)."""
    scores = [[dot(a, p) for p in positive] for a in anchor]
    return [_pick(row[b], row[:b] + row[b + 1 :]) for b, row in enumerate(scores)]


def batch_hard(rows: Rows, label: Sequence[int]) -> tuple[list[int], list[int]]:
    """The farthest of each row's own label, the nearest of the others; -1 for none."""
    farthest, nearest = [], []
    for i, row in enumerate(rows):
        own, others = _kinds(label, i)
        farthest.append(max(own, key=lambda j, row=row: math.dist(row, rows[j]), default=-1))  # type: ignore[misc]
        nearest.append(min(others, key=lambda j, row=row: math.dist(row, rows[j]), default=-1))  # type: ignore[misc]
    return farthest, nearest


def hardest_below(rows: Rows, partner: Rows, candidate: Rows, share: float) -> list[int]:
    found = []
    for row, other in zip(rows, partner, strict=True):
        alike = cosine(row, other)
        limit = alike - (1 - share) * abs(alike)
        scores = [cosine(row, one) for one in candidate]
        below = [score for score in scores if score <= limit]
        found.append(scores.index(max(below) if below else min(scores)))
    return found


def hardest_negatives(
    anchor: Rows, candidate: Rows, k: int, anchor_id: Sequence[int], candidate_id: Sequence[int]
) -> list[list[int]]:
    """The k most similar candidates of another id, filled up with -1."""
    lists = []
    for a, own in zip(anchor, anchor_id, strict=True):
        others = [j for j in range(len(candidate)) if candidate_id[j] != own]
        best = sorted(others, key=lambda j, a=a: (-cosine(a, candidate[j]), j))[:k]  # type: ignore[misc]
        lists.append(best + [-1] * (k - len(best)))
    return lists


def hard_nt_xent(
    first: Rows, second: Rows, temperature: float, concentration: float, positive_prior: float
) -> list[float]:
    """NT-Xent with weighted negatives, those of the own class estimated away, and a floor."""
    rows, size = [*first, *second], len(first)
    number = 2 * size - 2
    losses = []
    for i, anchor in enumerate(rows):
        partner = (i + size) % (2 * size)
        own = math.exp(cosine(anchor, rows[partner]) / temperature)
        others = [cosine(anchor, rows[j]) / temperature for j in range(2 * size) if j not in (i, partner)]
        weights = [math.exp(concentration * score) for score in others]
        mean = math.fsum(weights) / number
        reweighted = math.fsum(w * math.exp(score) for w, score in zip(weights, others, strict=True)) / mean
        negatives = (reweighted - positive_prior * number * own) / (1 - positive_prior)
        negatives = max(negatives, number * math.exp(-1 / temperature))
        losses.append(math.log1p(negatives / own))
    return losses
