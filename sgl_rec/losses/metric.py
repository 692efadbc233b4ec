"""Losses of metric learning: what belongs together near, everything else beyond a margin or less likely."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.kernels.contrast import unit_rows
from sgl_rec.losses.contrastive import info_nce
from sgl_rec.losses.inputs import check_length, check_matrix, check_pair, check_positive, whole
from sgl_rec.types import Precision


def triplet(
    anchor: Float[Tensor, "B D"],
    positive: Float[Tensor, "B D"],
    negative: Float[Tensor, "B D"],
    *,
    margin: float = 1.0,
) -> Float[Tensor, " B"]:
    r"""How far the negative falls short of being a margin farther away than the positive.

    .. math:: \ell_b = \max(0, \lVert a_b - p_b \rVert - \lVert a_b - n_b \rVert + m)

    Args:
        anchor, positive, negative: rows of each triple; ``batch_hard`` finds the hardest ones of a batch.
        margin: m, finite and > 0, in the units of the rows.

    Returns: a distance for each triple, m at equal rows; the caller reduces.

    Raises: UserError for inputs of several shapes, or a margin out of range.

    Example:
        >>> anchor = torch.zeros(2, 2)
        >>> triplet(anchor, torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[0.0, 5.5], [0.0, 9.0]]))
        tensor([0.5000, 0.0000])

    Reference: Schroff et al. 2015, "FaceNet" (arXiv:1503.03832), eq. 3. Different: distances, not their squares,
        and no unit length, as in Hermans et al. 2017 (arXiv:1703.07737), eq. 2.
    """
    check_pair("triplet", ("anchor", anchor), ("positive", positive))
    check_pair("triplet", ("anchor", anchor), ("negative", negative))
    check_positive("triplet", "margin", margin, advice="1 is usual")
    anchor = whole(anchor)
    near, far = (torch.linalg.vector_norm(anchor - whole(other), dim=1) for other in (positive, negative))
    return torch.relu(near - far + margin)


def margin_contrastive(
    embedding: Float[Tensor, "B D"], label: Int64[Tensor, " B"], *, margin: float = 1.0
) -> Float[Tensor, " B"]:
    r"""Rows of one label drawn together, others pushed apart until a margin lies between them.

    .. math:: \ell_i = \operatorname*{mean}_{p \in P_i} \tfrac12 d_{ip}^2
        + \operatorname*{mean}_{n \in N_i} \tfrac12 \max(0, m - d_{in})^2,
        \quad d_{ij} = \lVert z_i - z_j \rVert

    with the others of row i's label in P and the rows of other labels in N; the mean of none is 0. Memory is
    B x B.

    Args:
        embedding: not brought to unit length.
        label: of each row; two views of a batch have its row numbers, twice.
        margin: m, finite and > 0, in the units of the rows.

    Returns: half a squared distance for each row, m^2 / 2 at equal rows; the caller reduces.

    Raises: UserError for labels of another length, or a margin out of range.

    Example:
        >>> rows = torch.tensor([[0.0, 0.0], [0.0, 0.6], [0.8, 0.0]])
        >>> margin_contrastive(rows, torch.tensor([0, 0, 1]))  # .18 + .02, .18 + 0, and (.02 + 0) / 2 alone
        tensor([0.2000, 0.1800, 0.0100])

    Reference: Hadsell, Chopra and LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping" (CVPR),
        eq. 4. Different: all pairs of a batch, where the paper has them given, and a mean over each kind, so that
        the few pairs of one label weigh as much as the many others.
    """
    _check_labelled("margin_contrastive", embedding, label)
    check_positive("margin_contrastive", "margin", margin, advice="1 is usual")
    rows = whole(embedding)
    # not by the product of the rows: the difference of two squares has no digits left for rows that are near
    distance = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    together, apart = _shares(label, rows)
    return 0.5 * (together * distance.square() + apart * (margin - distance).relu().square()).sum(1)


def logistic(
    embedding: Float[Tensor, "B D"], label: Int64[Tensor, " B"], *, temperature: float | Float[Tensor, ""]
) -> Float[Tensor, " B"]:
    r"""Every pair classified for itself: of one label, or not.

    .. math:: \ell_i = -\operatorname*{mean}_{p \in P_i} \log \sigma(s_{ip})
        - \operatorname*{mean}_{n \in N_i} \log \sigma(-s_{in}), \quad s_{ij} = \cos(z_i, z_j) / \tau

    with the others of row i's label in P and the rows of other labels in N; the mean of none is 0. Memory is
    B x B.

    Args:
        embedding: both views of a batch, one below the other, are usual.
        label: of each row; two views of a batch have its row numbers, twice.
        temperature: finite and > 0. A tensor gets a gradient.

    Returns: nats for each row; the caller reduces.

    Raises: UserError for labels of another length, or a temperature out of range.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
        >>> logistic(rows, torch.tensor([0, 0, 1]), temperature=0.5)  # softplus(-2) + log 2 twice, then log 2
        tensor([0.8201, 0.8201, 0.6931])

    Reference: Chen et al. 2020 (arXiv:2002.05709), table 2, NT-Logistic, as the mean of its loss over the
        negatives; the table has one of them, and no mining here either.
    """
    _check_labelled("logistic", embedding, label)
    check_positive("logistic", "temperature", temperature, advice="0.2 is a usual start")
    rows = unit_rows(whole(embedding))
    with torch.autocast(rows.device.type, enabled=False):
        score = rows @ rows.T / temperature
    together, apart = _shares(label, rows)
    softplus = torch.nn.functional.softplus
    return (together * softplus(-score) + apart * softplus(score)).sum(1)


def n_pair(
    anchor: Float[Tensor, "B D"],
    positive: Float[Tensor, "B D"],
    *,
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""Each anchor against the positives of all others, by dot products.

    .. math:: \ell_b = \log \Bigl( 1 + \sum_{j \ne b}
        e^{\langle a_b, p_j \rangle - \langle a_b, p_b \rangle} \Bigr)

    Args:
        anchor, positive: row b of one belongs to row b of the other, and to no other.
        weight, precision: see ``info_nce``.

    Returns: nats for each anchor, log B at equal rows; with ``weight`` their weighted sum.

    Raises: UserError for inputs of two shapes.

    Example:
        >>> pairs = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> n_pair(pairs, pairs)  # log(1 + e^-1), log(1 + e^-4)
        tensor([0.3133, 0.0181])

    Reference: Sohn 2016, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective" (NIPS), eq. 7,
        N-pair-mc. Different: its penalty on the squared norms is a term of its own (``l2``). Relations: this is
        ``info_nce`` by dot products at temperature 1.
    """
    check_pair("n_pair", ("anchor", anchor), ("positive", positive))
    own = torch.arange(len(anchor), device=anchor.device)
    return info_nce(anchor, positive, own, temperature=1.0, similarity="dot", weight=weight, precision=precision)


def _check_labelled(where: str, embedding: Tensor, label: Tensor) -> None:
    check_matrix(where, "embedding", embedding)
    check_length(where, "label", label, len(embedding))


def _shares(label: Int64[Tensor, " B"], like: Tensor) -> tuple[Tensor, Tensor]:
    """What each pair weighs in the mean of its row over those of its label, and in that over the others."""
    same = label[:, None] == label
    itself = torch.eye(len(label), dtype=torch.bool, device=label.device)
    kinds = (pairs.to(like.dtype) for pairs in (same & ~itself, ~same))
    together, apart = (pairs / pairs.sum(1, keepdim=True).clamp(min=1) for pairs in kinds)
    return together, apart
