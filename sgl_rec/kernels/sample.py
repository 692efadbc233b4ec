"""Negatives for a batch: items a user has not touched, drawn exactly and without rejecting anything."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.backend import choose
from sgl_rec.types import PairIndex

BACKENDS = ("cpu", "cuda", "torch")

MASS = 2**31
"""The weights of all items add up to this at most: a draw has 32 bits."""


@dataclass(frozen=True, eq=False)
class DrawWeights:
    """Integer weights of the items, added up over all items and over what each user has not touched.

    Args:
        item_before: shape (I + 1,); the weights of the items below each one, and the sum at the end.
        free_before: shape (E,); for each pair of the index, the weights of the items below its item that its
            user has not touched.
    """

    item_before: Int64[Tensor, " I1"]
    free_before: Int64[Tensor, " E"]

    @classmethod
    def build(cls, weight: Int64[Tensor, " I"], *, touched: PairIndex) -> DrawWeights:
        """Sums of ``weight`` (each at least 0, at most 2^31 together) for draws beside ``touched``.

        Raises: UserError for weights that are not so.
        """
        if len(weight) != touched.num_items or bool((weight < 0).any()) or int(weight.sum()) > MASS:
            rule = f"{touched.num_items} integers of at least 0 that add up to at most 2^31"
            raise must_be("sample_negatives", "weight", rule, f"{len(weight)} that add up to {int(weight.sum())}")
        item_before = _before(weight)
        pair_before = _before(weight.index_select(0, touched.item))
        own_before = pair_before[:-1] - pair_before[touched.start[:-1]].repeat_interleave(touched.degree())
        return cls(item_before, item_before.index_select(0, touched.item) - own_before)

    def to(self, device: torch.device | str) -> DrawWeights:
        return DrawWeights(self.item_before.to(device), self.free_before.to(device))


def popularity_weight(degree: Int64[Tensor, " I"], *, power: float) -> Int64[Tensor, " I"]:
    r"""Weights proportional to ``degree ** power``, as integers that add up to at most 2^31.

    .. math:: w_i = \max\Big(1, \Big\lfloor (2^{31} - I)\, \frac{d_i^p}{\sum_j d_j^p} \Big\rfloor\Big)

    Every item can be drawn, one without interactions too (once in 2^31 draws): a user who has not touched every
    item has a negative, whatever the weights.

    Args:
        power: at least 0; 0 is uniform, 1 is by the number of interactions, 0.75 is word2vec's.

    Raises: UserError for a power below 0.

    Example:
        >>> weight = popularity_weight(torch.tensor([16, 1, 0]), power=0.5)
        >>> round(int(weight[0]) / int(weight[1]), 6), int(weight[2])
        (4.0, 1)

    Reference: Mikolov et al., "Distributed representations of words and phrases" (NeurIPS 2013), section 2.2.
    """
    if not 0 <= power < float("inf"):
        raise must_be("popularity_weight", "power", "at least 0", power)
    # On the CPU wherever the degrees lie: devices differ in the last bit of a power.
    share = (degree.cpu().double() / degree.max().clamp(min=1).cpu()).pow(power)
    scaled = share * ((MASS - len(degree)) / share.sum().clamp(min=1e-300))
    return scaled.long().clamp(min=1).to(degree.device)


def sample_negatives(
    users: Int64[Tensor, " B"],
    *,
    touched: PairIndex,
    key: int,
    num_items: int,
    num_negatives: int | None = None,
    weights: DrawWeights | None = None,
    backend: str = "auto",
) -> Int64[Tensor, "B *M"]:
    r"""One item, or M, for each row, out of the items its user has not touched.

    With the user's items :math:`a_0 < a_1 < \dots`, the r-th untouched item is

    .. math:: r + |\{j : a_j - j \le r\}|

    where :math:`a_j - j` counts the untouched items before :math:`a_j` and so never falls: the count is a
    binary search in the user's row. One uniform rank r gives one negative; nothing is ever rejected. With
    weights the same holds of the mass: r is uniform below the mass of the untouched items, the mass of the
    touched items before it is added, and the item at that place is found by a second search.

    Args:
        users: users with an untouched item (of weight above 0; the caller leaves the others out).
        touched: what each user has touched; for training, the training interactions alone.
        key: a fresh key for each call; negative m of row b draws from the counters (b, m).
        num_items: I.
        num_negatives: M, drawn independently (an item may come twice); None gives one, without the axis.
        weights: probabilities of the items, to a part in 2^32; None is uniform.

    Returns: shape (B,), or (B, M) where ``num_negatives`` is a number; the first of M is what one would be.

    Raises: UserError for fewer than one negative.

    Example:
        >>> pairs = PairIndex(torch.tensor([0, 2]), torch.tensor([0, 2]), 4)
        >>> sorted(set(sample_negatives(torch.zeros(50).long(), touched=pairs, key=3, num_items=4).tolist()))
        [1, 3]

    Reference: Rendle et al., "BPR" (UAI 2009), whose triples are uniform in the same way.
    """
    assert num_items == touched.num_items
    if num_negatives is not None and num_negatives < 1:
        raise must_be("sample_negatives", "num_negatives", "at least 1", num_negatives)
    width = 1 if num_negatives is None else num_negatives
    name = choose(backend, users.device, having=BACKENDS)
    kernel = importlib.import_module(f"sgl_rec.kernels.sample_{name}")
    drawn: Tensor = kernel.sample(users, width, touched, key, weights)
    return drawn.squeeze(1) if num_negatives is None else drawn


def _before(weight: Tensor) -> Tensor:
    before = torch.zeros(len(weight) + 1, dtype=torch.int64, device=weight.device)
    torch.cumsum(weight, 0, out=before[1:])
    return before
