"""Filters of the item-item graph that need no training: GF-CF and ChebyCF."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from scipy.sparse.linalg import svds
from torch import Tensor

from sgl_rec.baselines.matrix import at_least, interaction_matrix, one_hot
from sgl_rec.kernels.propagate import hop
from sgl_rec.types import Adjacency, Interactions, PairIndex

Response: TypeAlias = Callable[[Float[Tensor, "I B"]], Float[Tensor, "I B"]]

_NOTHING = 1e-5
"""Singular values below it are 0 (the largest is 1): their vectors are any that are left."""

_TOLERANCE = 1e-3
"""Of the search. On MovieLens-1M the projection is then 1e-6 off, found in a third of the time."""

_COLUMNS = 64
"""Users that are filtered at once: as wide as the tables the kernels are made for."""

_COMPILED_FROM = 10**5
"""Interactions from which on a compiled hop is worth its compilation."""

_SEARCHED = 4
"""The vectors are searched for where they are less than this part of all; else all are computed."""


class Spectrum:
    r"""What both filters share: :math:`\tilde P = \tilde R^\top \tilde R` and its leading eigenvectors.

    .. math:: \tilde R = D_U^{-1/2} R D_I^{-1/2}

    Args:
        rank: eigenvectors of the ideal low-pass filter, at least 0; those of value 0 are left out, so that there
            are never more than users or items, whatever was asked for.
    """

    def __init__(self, interactions: Interactions, *, rank: int, generator: torch.Generator) -> None:
        self.touched = PairIndex.build([interactions])
        self.degree = torch.from_numpy(interactions.item_degree()).to(torch.float32)
        matrix = _normalised(interactions)
        self.basis = _leading(matrix, rank=rank, generator=generator)
        self._halves = _halves(interactions)
        self._backend = "auto" if len(interactions) > _COMPILED_FROM else "torch"

    def hop(self, signal: Float[Tensor, "I B"]) -> Float[Tensor, "I B"]:
        """The product of P and the columns of ``signal``: from items to users, and back."""
        num_users = self.touched.num_users
        table = signal.new_zeros(num_users + len(signal), signal.shape[1])
        table[num_users:] = signal
        for half in self._halves:
            table = hop(half, table, backend=self._backend)
        return table[num_users:]

    def ideal(self, signal: Float[Tensor, "I B"], *, power: float) -> Float[Tensor, "I B"]:
        """D^power V V^T D^-power applied to the columns of ``signal``; V are the leading eigenvectors."""
        return self.scaled(self.basis @ (self.basis.T @ self.scaled(signal, power=-power)), power=power)

    def scaled(self, signal: Float[Tensor, "I B"], *, power: float) -> Float[Tensor, "I B"]:
        """D^power applied to the columns of ``signal``; an item without users becomes 0."""
        scale = torch.where(self.degree > 0, self.degree.clamp(min=1) ** power, 0.0)
        return signal * scale[:, None]


class SpectralFilter:
    """A Scorer: the response of a filter to each user's row of R.

    Args:
        response: maps rows of R, as columns, to scores.
    """

    def __init__(self, spectrum: Spectrum, response: Response) -> None:
        self._touched, self._response = spectrum.touched, response

    @property
    def num_users(self) -> int:
        return self._touched.num_users

    @property
    def num_items(self) -> int:
        return self._touched.num_items

    def scores(self, users: Int[Tensor, " B"]) -> Float[Tensor, "B I"]:
        """The scores of all items for a block of users, a new tensor."""
        scores = torch.empty(len(users), self.num_items)
        for start in range(0, len(users), _COLUMNS):
            block = users[start : start + _COLUMNS]
            scores[start : start + _COLUMNS] = self._response(one_hot(self._touched, block)).T
        return scores


def gf_cf(
    interactions: Interactions, *, rank: int = 256, ideal_weight: float = 0.3, generator: torch.Generator
) -> SpectralFilter:
    r"""One hop over the normalised item-item graph plus an ideal low-pass filter.

    .. math:: s(u, \cdot) = r_u \left(\tilde R^\top \tilde R
        + \text{ideal\_weight}\; D_I^{-1/2} V V^\top D_I^{1/2}\right)

    :math:`r_u` is the user's row of R, V the ``rank`` leading right singular vectors of :math:`\tilde R`.

    Args:
        rank: width of the ideal filter, at least 0; above the users or items there are, all of it.
        ideal_weight: at least 0 (the paper's alpha).
        generator: where the search for the singular vectors begins.

    Raises: UserError for an argument out of range.

    Example:
        >>> pairs = Interactions(np.array([0, 0, 1]), np.array([0, 1, 1]), num_users=2, num_items=2)
        >>> gf_cf(pairs, rank=1, generator=torch.Generator().manual_seed(0)).scores(torch.tensor([1])).shape
        torch.Size([1, 2])

    Reference: Shen et al. 2021, "How Powerful is Graph Convolution for Recommendation?"; rank 256 and weight 0.3
    are those of its code.
    """
    at_least("gf_cf", "rank", rank, 0)
    at_least("gf_cf", "ideal_weight", ideal_weight, 0)
    spectrum = Spectrum(interactions, rank=rank, generator=generator)

    def response(signal: Float[Tensor, "I B"]) -> Float[Tensor, "I B"]:
        return spectrum.ideal(signal, power=0.5).mul_(ideal_weight).add_(spectrum.hop(signal))

    return SpectralFilter(spectrum, response)


def cheby_cf(
    interactions: Interactions,
    *,
    order: int = 8,
    flatness: float = 1.5,
    rank: int = 512,
    ideal_weight: float = 0.2,
    degree_power: float = 0.4,
    generator: torch.Generator,
) -> SpectralFilter:
    r"""A plateau-shaped low-pass filter as a Chebyshev polynomial, plus an ideal one.

    .. math:: s(u, \cdot) = r_u D_I^{-\beta} \left(\sum_{k=0}^{K} c_k T_k(L)
        + \text{ideal\_weight}\; V V^\top\right) D_I^{\beta},\quad L = 1 - 2 \tilde R^\top \tilde R

    The :math:`c_k` interpolate, at the K + 1 roots of :math:`T_{K+1}`, the response of :func:`plateau`.

    Args:
        order: K, at least 1.
        flatness: of the plateau, above 0 (the paper's phi).
        rank: width of the ideal filter, at least 0 (eta); above the users or items there are, all of it.
        ideal_weight: at least 0 (alpha).
        degree_power: :math:`\beta`; 0 leaves popularity out of it.
        generator: where the search for the singular vectors begins.

    Raises: UserError for an argument out of range.

    Example:
        >>> pairs = Interactions(np.array([0, 0, 1]), np.array([0, 1, 1]), num_users=2, num_items=2)
        >>> cheby_cf(pairs, rank=1, generator=torch.Generator().manual_seed(0)).scores(torch.tensor([1])).shape
        torch.Size([1, 2])

    Reference: Kim et al. 2025, "Graph Spectral Filtering with Chebyshev Interpolation for Recommendation", with
    its code's coefficients. Different from the code: nothing is rounded to three decimals.
    """
    at_least("cheby_cf", "order", order, 1)
    at_least("cheby_cf", "flatness", flatness, 0)
    at_least("cheby_cf", "rank", rank, 0)
    at_least("cheby_cf", "ideal_weight", ideal_weight, 0)
    spectrum = Spectrum(interactions, rank=rank, generator=generator)
    first, second, *others = interpolated(order=order, flatness=flatness)

    def response(signal: Float[Tensor, "I B"]) -> Float[Tensor, "I B"]:
        signal = spectrum.scaled(signal, power=-degree_power)
        before, term = signal, signal - 2 * spectrum.hop(signal)
        result = spectrum.ideal(signal, power=0.0).mul_(ideal_weight)
        result.add_(before, alpha=first).add_(term, alpha=second)
        for coefficient in others:  # T_k+1 = 2 L T_k - T_k-1
            before, term = term, (term - 2 * spectrum.hop(term)).mul_(2).sub_(before)
            result.add_(term, alpha=coefficient)
        return spectrum.scaled(result, power=degree_power)

    return SpectralFilter(spectrum, response)


def plateau(x: float, *, flatness: float) -> float:
    r"""The wanted response at frequency x of [-1, 1]: 1 at -1 (the smoothest signals), 1/2 at 0, 0 at 1.

    .. math:: h(x) = \tfrac12 \left(1 - \operatorname{sign}(x)\, |x|^{\text{flatness}}\right)

    Example:
        >>> [plateau(x, flatness=2.0) for x in (-1.0, -0.5, 0.0, 1.0)]
        [1.0, 0.625, 0.5, 0.0]
    """
    return 0.5 * (1 - math.copysign(abs(x) ** flatness, x))


def interpolated(*, order: int, flatness: float) -> list[float]:
    """The coefficients c_0 .. c_K of the interpolating polynomial in the Chebyshev basis.

    As in the paper's code the values at the roots are those of the plateau at K + 1 points that reach the ends,
    cos(pi j / K), so that the response is a little steeper than the plateau.
    """
    nodes = [math.pi * (place + 0.5) / (order + 1) for place in range(order + 1)]
    wanted = [plateau(math.cos(math.pi * place / order), flatness=flatness) for place in range(order + 1)]
    sums = [
        math.fsum(value * math.cos(k * angle) for value, angle in zip(wanted, nodes, strict=True))
        for k in range(order + 1)
    ]
    return [(1 if k == 0 else 2) * total / (order + 1) for k, total in enumerate(sums)]


def _normalised(interactions: Interactions) -> sp.csr_matrix:
    """D_U^-1/2 R D_I^-1/2, float32."""
    left, right = (
        sp.diags(1 / np.sqrt(degree.clip(min=1)))
        for degree in (interactions.user_degree(), interactions.item_degree())
    )
    matrix: sp.csr_matrix = (left @ interaction_matrix(interactions) @ right).tocsr().astype(np.float32)
    matrix.sort_indices()
    return matrix


def _leading(matrix: sp.csr_matrix, *, rank: int, generator: torch.Generator) -> Float[Tensor, "I K"]:
    """The right singular vectors of the ``rank`` largest singular values that are not 0."""
    start = torch.rand(min(matrix.shape), generator=generator).numpy()
    if rank < 1 or not matrix.nnz:
        return torch.empty(matrix.shape[1], 0)
    if rank * _SEARCHED < min(matrix.shape):
        _, values, vectors = svds(matrix, k=rank, v0=start, tol=_TOLERANCE)
        return torch.from_numpy(np.ascontiguousarray(vectors[values > _NOTHING].T))
    wide = matrix.shape[0] < matrix.shape[1]
    gram = (matrix @ matrix.T if wide else matrix.T @ matrix).astype(np.float64).toarray()
    squares, basis = (part[..., -rank:].numpy() for part in torch.linalg.eigh(torch.from_numpy(gram)))
    values, basis = np.sqrt(squares[squares > _NOTHING**2]), basis[:, squares > _NOTHING**2]
    return torch.from_numpy((matrix.T @ (basis / values) if wide else basis).astype(np.float32))


def _halves(interactions: Interactions) -> tuple[Adjacency, Adjacency]:
    """D^-1/2 A D^-1/2 over users and items, as the kernels take it, in its halves: to users, and to items."""
    matrix, num_users = interaction_matrix(interactions), interactions.num_users
    to_users, to_items = matrix, matrix.T.tocsr()
    to_items.sort_indices()
    degree = np.concatenate([interactions.user_degree(), interactions.item_degree()])
    scale = torch.from_numpy((1 / np.sqrt(degree.clip(min=1))).astype(np.float32))

    def half(start: np.ndarray, column: np.ndarray) -> Adjacency:
        return Adjacency(
            torch.from_numpy(start.astype(np.int32)), torch.from_numpy(column.astype(np.int32)), scale, scale
        )

    last = np.full(interactions.num_items, len(interactions))  # rows of the other side have no neighbours
    return (
        half(np.concatenate([to_users.indptr, last]), to_users.indices + num_users),
        half(np.concatenate([np.zeros(num_users), to_items.indptr]), to_items.indices),
    )
