"""Whether embeddings still tell users and items apart: alignment, uniformity, effective rank."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.types import Embeddings

SAMPLE = 1024
"""Rows that are compared with each other, evenly spaced: half a million pairs, whatever the size of the table."""

FEWEST_DIRECTIONS = 3.0
"""An effective rank below this, of 16 dimensions and more, is a collapse: users differ in one taste or two."""

LEAST_UNIFORMITY = -0.1
"""A uniformity above this is a collapse: two random rows have a cosine of .97 and more. Independent ones reach
about -3.9."""


def effective_rank(table: Float[Tensor, "N D"]) -> float:
    r"""The number of directions a table spreads over, in [1, D]; 0 for a table of zeros.

    .. math:: \exp\Bigl(-\sum_d p_d \log p_d\Bigr), \quad p_d = \sigma_d / \textstyle\sum_e \sigma_e

    with the singular values :math:`\sigma` of the rows at unit length (zero rows stay zero).

    Example:
        >>> effective_rank(torch.eye(4)), effective_rank(torch.ones(3, 4))
        (4.0, 1.0)

    Reference: Roy and Vetterli, "The effective rank" (EUSIPCO 2007), eq. 3. Different: rows have unit length.
    """
    rows = torch.nn.functional.normalize(table.detach(), dim=1)
    squares = torch.linalg.eigvalsh((rows.T @ rows).double()).clamp(min=0)
    # Below the rounding of float32 products there is nothing: a table of one direction has rank 1.
    values = torch.where(squares > 1e-6 * squares.max(), squares, 0).sqrt()
    if not values.sum() > 0:
        return 0.0
    share = values / values.sum()
    return round(float(torch.special.entr(share).sum().exp()), 6)


def uniformity(table: Float[Tensor, "N D"]) -> float:
    r"""How evenly the rows lie on the sphere: 0 where all are the same, lower is more even.

    .. math:: \log \operatorname*{mean}_{i \ne j} e^{-2 \lVert x_i - x_j \rVert^2}, \quad \lVert x \rVert = 1

    Example:
        >>> uniformity(torch.ones(3, 4)), round(uniformity(torch.eye(4)), 4)
        (0.0, -4.0)

    Reference: Wang and Isola 2020 (arXiv:2005.10242), section 4.1.2, t = 2. Different: of evenly spaced rows.
    """
    rows = torch.nn.functional.normalize(_some(table.detach()), dim=1)
    number = len(rows)
    if number < 2:
        return 0.0
    alike = (4 * (rows @ rows.T) - 4).exp()
    apart = alike.sum(dtype=torch.float64) - alike.diagonal().sum(dtype=torch.float64)
    return float((apart / (number * (number - 1))).log().clamp(max=0))


def alignment(user: Float[Tensor, "B D"], item: Float[Tensor, "B D"]) -> float:
    r"""How far users lie from their items on the sphere, in [0, 4]: 0 where each pair is one point.

    .. math:: \operatorname{mean} \lVert u - i \rVert^2, \quad \lVert u \rVert = \lVert i \rVert = 1

    Example:
        >>> alignment(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 3.0]]))
        2.0

    Reference: Wang and Isola 2020 (arXiv:2005.10242), section 4.1.1, alpha = 2.
    """
    unit = torch.nn.functional.normalize
    return float((unit(user.detach(), dim=1) - unit(item.detach(), dim=1)).square().sum(1).mean())


def monitor(embeddings: Embeddings, *, user: Int64[Tensor, " E"], item: Int64[Tensor, " E"]) -> dict[str, float]:
    """The figures of one epoch, under names that no term of an objective can have.

    Args:
        user, item: training pairs, for the alignment; of many, evenly spaced ones are looked at.
    """
    pairs_user, pairs_item = _some(user), _some(item)
    return {
        "monitor.alignment": alignment(embeddings.user[pairs_user], embeddings.item[pairs_item]),
        "monitor.user_uniformity": uniformity(embeddings.user),
        "monitor.item_uniformity": uniformity(embeddings.item),
        "monitor.user_rank": effective_rank(embeddings.user),
        "monitor.item_rank": effective_rank(embeddings.item),
    }


def monitor_rows(table: Float[Tensor, "N D"]) -> dict[str, float]:
    """The figures of one epoch where there is one kind of rows, under names that no term can have."""
    return {"monitor.uniformity": uniformity(table), "monitor.rank": effective_rank(table)}


def collapsed(figures: Mapping[str, float], *, width: int) -> str | None:
    """What is wrong with the embeddings, in words; None where nothing is.

    Args:
        figures: those of :func:`monitor` or :func:`monitor_rows`.
        width: D; a table narrower than 16 has no rank to lose.

    Example:
        >>> collapsed({"monitor.user_rank": 1.2, "monitor.user_uniformity": -0.9}, width=64)
        'user embeddings lie in 1.2 of 64 directions (effective rank)'
    """
    for side in ("user_", "item_", ""):
        rank, spread = figures.get(f"monitor.{side}rank"), figures.get(f"monitor.{side}uniformity")
        rows = f"{side}embeddings".replace("_", " ")
        if spread is not None and spread > LEAST_UNIFORMITY:
            return f"{rows} are all but one point (uniformity {spread:.2f}, 0 is one point)"
        if rank is not None and width >= 16 and rank < FEWEST_DIRECTIONS:
            return f"{rows} lie in {rank:.1f} of {width} directions (effective rank)"
    return None


def _some(rows: Tensor) -> Tensor:
    """Evenly spaced rows, at most ``SAMPLE``."""
    return rows[:: -(-len(rows) // SAMPLE)] if len(rows) > SAMPLE else rows
