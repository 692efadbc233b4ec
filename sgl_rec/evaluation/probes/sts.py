"""Whether similarities are in the order that people put them in (semantic textual similarity)."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.inputs import as_array, check_rows, unit
from sgl_rec.rng import draw_key

_BLOCK = 2**20
"""Resampled pairs that are held at once."""


def sts(
    first: Float[Tensor, "B D"], second: Float[Tensor, "M D"], score: Float[Tensor, " S"]
) -> dict[str, float]:
    """The rank correlation of the cosines of pairs with the scores that people gave them.

    Args:
        first, second: the embeddings of the two sentences of each pair.
        score: any scale, higher is more alike.

    Returns: ``spearman`` in [-1, 1].

    Raises: UserError for fewer than two pairs, and for numbers that are not finite.

    Example:
        >>> one, other = torch.ones(3, 2), torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, -1.0]])
        >>> sts(one, other, torch.tensor([5.0, 3.5, 0.0]))
        {'spearman': 1.0}
    """
    return {"spearman": spearman(cosines(first, second), score)}


def cosines(first: Float[Tensor, "B D"], second: Float[Tensor, "M D"]) -> Float[Tensor, " B"]:
    """The cosine of each row of one with the same row of the other; 0 for a zero row.

    Example:
        >>> cosines(torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 4.0]]))
        tensor([0.6000])
    """
    check_rows("cosines", "first", first)
    check_rows("cosines", "second", second)
    if len(first) != len(second):
        raise must_be("cosines", "second", f"of {len(first)} rows, as the first", len(second))
    return (unit(first) * unit(second)).sum(dim=1)


def spearman(similarity: Float[Tensor, " B"], score: Float[Tensor, " S"]) -> float:
    r"""The correlation of the ranks of two columns; equal values share their mean rank.

    .. math:: \rho = \frac{\sum_i (r_i - \bar r)(q_i - \bar q)}
              {\sqrt{\sum_i (r_i - \bar r)^2 \sum_i (q_i - \bar q)^2}}

    Returns: -1 to 1; 0 where all values of a column are the same.

    Raises: UserError for fewer than two values, and for values that are not finite.

    Example:
        >>> spearman(torch.tensor([0.1, 0.9, 0.5]), torch.tensor([1.0, 3.0, 2.0]))
        1.0

    Reference: Spearman 1904.
    """
    _check(similarity, score)
    return float(_correlation(as_array(similarity)[None], as_array(score)[None])[0])


def spearman_difference(
    similarity: Float[Tensor, " B"],
    other: Float[Tensor, " M"],
    score: Float[Tensor, " S"],
    *,
    num_resamples: int = 1000,
    generator: torch.Generator,
) -> dict[str, float]:
    """How much nearer one encoder's similarities are to the scores than another's, and how sure that is.

    Args:
        similarity, other: of the same pairs, by the one encoder and the other.
        num_resamples: draws of B pairs with repeats, at least 1; both encoders see the same pairs in each.

    Returns: ``difference``, the one's Spearman less the other's, and ``low`` and ``high``, percentiles 2.5 and
        97.5 of the resampled differences.

    Raises: UserError as ``spearman`` does, and for fewer than one resample.

    Example:
        >>> score = torch.tensor([1.0, 2.0, 3.0, 4.0])
        >>> spearman_difference(score, -score, score, generator=torch.Generator())["difference"]
        2.0

    Reference: Efron 1979, the percentile bootstrap.
    """
    _check(similarity, score)
    _check(other, score)
    if num_resamples < 1:
        raise must_be("spearman_difference", "num_resamples", "at least 1", num_resamples)
    one, another, gold = as_array(similarity), as_array(other), as_array(score)
    draws = np.random.default_rng(draw_key(generator))
    rows = max(1, _BLOCK // len(gold))
    found = []
    for start in range(0, num_resamples, rows):
        pick = draws.integers(len(gold), size=(min(rows, num_resamples - start), len(gold)))
        found.append(_correlation(one[pick], gold[pick]) - _correlation(another[pick], gold[pick]))
    low, high = np.percentile(np.concatenate(found), (2.5, 97.5))
    difference = spearman(similarity, score) - spearman(other, score)
    return {"difference": difference, "low": float(low), "high": float(high)}


def _correlation(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of the ranks of each row, with those of the same row of the other."""
    first, second = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in map(_ranks, (values, others)))
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    result: np.ndarray = (first * second).sum(axis=1) / np.where(spread > 0, spread, 1)
    return result.clip(-1, 1)


def _ranks(values: np.ndarray) -> np.ndarray:
    ranks: np.ndarray = rankdata(values, axis=1)
    return ranks


def _check(similarity: Tensor, score: Tensor) -> None:
    check_rows("spearman", "similarities", similarity)
    check_rows("spearman", "scores", score)
    if len(similarity) != len(score):
        raise must_be("spearman", "similarities", f"{len(score)}, one a score", len(similarity))
    if len(score) < 2:
        raise must_be("spearman", "pairs", "at least two", len(score))
