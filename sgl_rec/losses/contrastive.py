"""Losses that pick a row's own partner out of many candidates."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.contrast import Similarity, log_sum, weighted_log_sum
from sgl_rec.losses.inputs import check_length, check_matrix, check_positive
from sgl_rec.types import Precision


def info_nce(
    anchor: Float[Tensor, "B D"],
    candidate: Float[Tensor, "C D"],
    target: Int[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] | Float[Tensor, " B"],
    similarity: Similarity = "cosine",
    anchor_id: Int[Tensor, " B"] | None = None,
    candidate_id: Int[Tensor, " C"] | None = None,
    candidate_bias: Float[Tensor, " C"] | None = None,
    weight: Float[Tensor, " B"] | None = None,
    precision: Precision = "float32",
) -> Float[Tensor, " B"] | Float[Tensor, ""]:
    r"""Cross-entropy of each anchor picking its own target among C candidates.

    .. math:: \ell_i = -s_{i t_i}/\tau_i + \log \sum_{j \notin X_i} e^{s_{ij}/\tau_i + b_j},
        \quad s_{ij} = \cos(a_i, c_j) \text{ or } \langle a_i, c_j\rangle \text{ or } -|a_i - c_j|^2,
        \quad X_i = \{j \ne t_i : \text{candidate\_id}_j = \text{anchor\_id}_i\}

    Memory is B x D, C x D and one tile, never B x C. The cosine of a zero row is 0, with zero gradient.

    Args:
        anchor: one row for each question; any float type, computed in float32 at least.
        candidate: the answers, the same for all anchors.
        target: index into ``candidate`` of each anchor's answer, 0 <= target < C.
        temperature: finite and > 0 (0.05 to 0.5 is usual, 0.005 is safe); one for all or one per anchor. A tensor
            gets a gradient.
        similarity: ``cosine``, ``dot`` or ``euclidean`` (minus the squared distance).
        anchor_id, candidate_id: given together; a candidate that is not the target but carries the anchor's id
            (the anchor itself, or a repeat of its target) is left out.
        candidate_bias: added to a candidate's logit in the sum and not to the target's in front of it:
            -log q for candidates drawn with probability q, log count for one that stands for several.
        weight: factor of each row. With it the weighted sum is returned, in one sweep instead of two: 1/B for
            the mean, or the number of times an anchor occurs.
        precision: ``bfloat16`` rounds what the large products read (rows, exponentials) and sums in float32: two
            to three times less to move, values and gradients within 1e-2 of the exact ones, norm-wise, at
            temperatures of 0.05 and more. Rows in float64 stay float64.

    Returns: nats per anchor, for the caller to reduce; with ``weight`` their weighted sum, a scalar.

    Raises: UserError (a ValueError) for an empty or mismatched input, a temperature that is not finite and > 0,
        a target outside the candidates, one kind of id without the other, or an unknown precision. On a GPU the
        numbers inside a tensor are not looked at, which would wait for the device.

    Example:
        >>> import torch
        >>> view = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> info_nce(view, view, torch.tensor([0, 1]), temperature=0.5)  # log(1 + exp(-1 / 0.5))
        tensor([0.1269, 0.1269])

    Reference: van den Oord et al. 2018 (arXiv:1807.03748), eq. 4; with cosines, Wu et al. 2021, "Self-supervised
        Graph Learning for Recommendation" (arXiv:2010.10783), eq. 10. Different from the latter: rows are
        returned apart and not summed. Relations: its loss of users is this with all users of the other view as
        candidates; SimGCL's has the unique users of the batch; NT-Xent has both views as anchors and candidates
        and their row numbers as ids; CLIP's is the mean of this in both directions; a recommender's softmax
        (SSM, SL) has users as anchors and items as candidates (``SoftmaxTerm``).
    """
    _check(anchor, candidate, target, anchor_id=anchor_id, candidate_id=candidate_id, bias=candidate_bias)
    _check_temperature(temperature, len(anchor))
    if weight is None:
        return log_sum(
            anchor,
            candidate,
            temperature=temperature,
            similarity=similarity,
            candidate_bias=candidate_bias,
            anchor_id=anchor_id,
            candidate_id=candidate_id,
            target=target,
            minus_target=True,
            precision=precision,
        )
    check_length("info_nce", "weight", weight, len(anchor))
    total, _ = weighted_log_sum(
        anchor,
        candidate,
        weight=weight,
        temperature=temperature,
        similarity=similarity,
        candidate_bias=candidate_bias,
        anchor_id=anchor_id,
        candidate_id=candidate_id,
        target=target,
        minus_target=True,
        precision=precision,
    )
    return total


def _check(
    anchor: Tensor,
    candidate: Tensor,
    target: Tensor,
    *,
    anchor_id: Tensor | None,
    candidate_id: Tensor | None,
    bias: Tensor | None,
) -> None:
    for name, rows in (("anchor", anchor), ("candidate", candidate)):
        check_matrix("info_nce", name, rows)
    if anchor.shape[1] != candidate.shape[1]:
        raise must_be("info_nce", "candidate", f"of the anchors' width {anchor.shape[1]}", candidate.shape[1])
    check_length("info_nce", "target", target, len(anchor))
    _check_target(target, len(candidate))
    if (anchor_id is None) != (candidate_id is None):
        missing = "anchor_id" if anchor_id is None else "candidate_id"
        raise must_be("info_nce", missing, "given with the other ids", None, "pass both or neither")
    for name, column, length in (
        ("anchor_id", anchor_id, len(anchor)),
        ("candidate_id", candidate_id, len(candidate)),
        ("candidate_bias", bias, len(candidate)),
    ):
        if column is not None:
            check_length("info_nce", name, column, length)


def _check_target(target: Tensor, num_candidates: int) -> None:
    rule = f"integers in [0, {num_candidates})"
    if target.is_floating_point():
        raise must_be("info_nce", "target", rule, target.dtype)
    if target.device.type == "cpu":
        low, high = (int(bound) for bound in target.aminmax())
        if not 0 <= low <= high < num_candidates:
            raise must_be("info_nce", "target", rule, f"{low} to {high}")


def _check_temperature(temperature: float | Tensor, num_rows: int) -> None:
    if isinstance(temperature, Tensor) and temperature.ndim:
        check_length("info_nce", "temperature", temperature, num_rows)
    check_positive("info_nce", "temperature", temperature, advice="0.2 is a usual start")
