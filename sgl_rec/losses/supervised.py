"""The contrast between classes: rows of one label belong together."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.kernels.contrast import log_sum, unit_rows, weighted_log_sum
from sgl_rec.losses.inputs import check_length, check_matrix, check_positive, groups, whole
from sgl_rec.types import Precision


def supervised_contrastive(
    embedding: Float[Tensor, "B D"],
    label: Int64[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""],
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""Each row picks the others of its label out of all other rows: the mean over them, outside of the log.

    .. math:: \ell_i = \frac{-1}{|P_i|} \sum_{p \in P_i}
        \log \frac{e^{\cos(z_i, z_p) / \tau}}{\sum_{a \ne i} e^{\cos(z_i, z_a) / \tau}},
        \quad P_i = \{p \ne i : y_p = y_i\}

    Memory is B x D and one tile: the positives of a row enter as the sum of their unit rows.

    Args:
        embedding: both views of a batch, one below the other, are usual.
        label: of each row; any integers.
        temperature, weight, precision: see ``info_nce``.

    Returns: nats for each row, log(B - 1) at equal rows; 0, with gradient 0, for a row that has no positive,
        which a mean has to leave out (``num_positives`` counts them). With ``weight`` the weighted sum.

    Raises: UserError for labels of another length, or a temperature that is not finite and > 0.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> supervised_contrastive(rows, torch.tensor([4, 4, 9]), temperature=0.5)  # the last one is alone
        tensor([0.1269, 0.1269, 0.0000])

    Reference: Khosla et al. 2020, "Supervised Contrastive Learning" (arXiv:2004.11362), eq. 2, L_out. Different:
        rows without a positive are 0 here, where the equation divides by 0. Relations: with the row numbers of
        two views as labels this is NT-Xent.
    """
    check_matrix("supervised_contrastive", "embedding", embedding)
    check_length("supervised_contrastive", "label", label, len(embedding))
    check_positive("supervised_contrastive", "temperature", temperature, advice="0.1 is a usual start")
    rows, place = whole(embedding), torch.arange(len(label), device=label.device)
    positive, number = _positives(unit_rows(rows), label)
    own = positive / temperature
    counts = number > 0
    # A row that counts for nothing keeps itself as a candidate: its log-sum is finite, and so is 0 times it.
    anchor_id = torch.where(counts, place, -1)
    if weight is None:
        sums = log_sum(
            rows, rows, temperature=temperature, anchor_id=anchor_id, candidate_id=place, precision=precision
        )
        return torch.where(counts, sums - own, 0.0)
    check_length("supervised_contrastive", "weight", weight, len(embedding))
    weight = torch.where(counts, weight, 0.0).to(rows.dtype)
    total, _ = weighted_log_sum(
        rows,
        rows,
        weight=weight,
        temperature=temperature,
        anchor_id=anchor_id,
        candidate_id=place,
        precision=precision,
    )
    return total - (weight * own).sum()  # no @, which autocast would round


def num_positives(label: Int64[Tensor, " B"]) -> Int64[Tensor, " B"]:
    """How many other rows have each row's label.

    Example:
        >>> num_positives(torch.tensor([4, 4, 9, 4]))
        tensor([2, 2, 0, 2])
    """
    group = groups(label)
    count = torch.zeros_like(group).index_add(0, group, torch.ones_like(group))
    return count.index_select(0, group) - 1


def _positives(unit: Float[Tensor, "B D"], label: Int64[Tensor, " B"]) -> tuple[Tensor, Tensor]:
    """The mean cosine of each row with the others of its label (0 where there are none), and their number."""
    group, number = groups(label), num_positives(label)
    others = torch.zeros_like(unit).index_add(0, group, unit).index_select(0, group) - unit
    return (unit * others).sum(1) / number.clamp(min=1), number
