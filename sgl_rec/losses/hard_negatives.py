"""Hard negatives: found among candidates, found in a batch, or given their weight in the loss."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.contrast import log_sum, unit_rows
from sgl_rec.kernels.top_k import top_k_embeddings
from sgl_rec.losses.inputs import check_length, check_matrix, check_pair, check_positive, check_width, whole
from sgl_rec.types import Precision

_BLOCK = 1024
"""Rows that are compared with all candidates at once."""


@torch.no_grad()
def hardest_negatives(
    anchor: Float[Tensor, "B D"],
    candidate: Float[Tensor, "C D"],
    *,
    k: int,
    anchor_id: Int[Tensor, " B"] | None = None,
    candidate_id: Int[Tensor, " C"] | None = None,
) -> Int64[Tensor, "B k"]:
    r"""The k candidates most similar to each anchor that are not its positives.

    .. math:: \operatorname{top}_k \{ \cos(a_i, c_j) : \text{candidate\_id}_j \ne \text{anchor\_id}_i \}

    The scores are held in blocks, never B x C of them.

    Args:
        k: at least 1.
        anchor_id, candidate_id: given together; a candidate with the anchor's id is a positive, or the anchor
            itself. Without them none is.

    Returns: indices into ``candidate``, the hardest first, ties to the lower index; -1 where there are fewer.

    Raises: UserError for inputs of two widths, one kind of id without the other, or a k below 1.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [2.0, 0.1], [1.0, 1.0]]).double()
        >>> label = torch.tensor([7, 7, 8])
        >>> hardest_negatives(rows, rows, k=2, anchor_id=label, candidate_id=label)
        tensor([[ 2, -1],
                [ 2, -1],
                [ 1,  0]])
    """
    check_matrix("hardest_negatives", "anchor", anchor)
    check_width("hardest_negatives", "candidate", candidate, anchor.shape[1])
    row = item = torch.empty(0, dtype=torch.int64, device=anchor.device)
    if (anchor_id is None) != (candidate_id is None):
        missing = "anchor_id" if anchor_id is None else "candidate_id"
        raise must_be("hardest_negatives", missing, "given with the other ids", None, "pass both or neither")
    if anchor_id is not None and candidate_id is not None:
        check_length("hardest_negatives", "anchor_id", anchor_id, len(anchor))
        check_length("hardest_negatives", "candidate_id", candidate_id, len(candidate))
        row, item = _equal_ids(anchor_id.long(), candidate_id.long())
    asked, table = unit_rows(whole(anchor)), unit_rows(whole(candidate))
    return top_k_embeddings(asked, table, k=k, seen_row=row, seen_item=item)[0]


@torch.no_grad()
def hardest_below(
    rows: Float[Tensor, "B D"],
    partner: Float[Tensor, "B D"],
    candidate: Float[Tensor, "C D"],
    *,
    share: float = 0.8,
) -> Int64[Tensor, " B"]:
    r"""The candidate that is most like each row, and clearly less so than its partner.

    .. math:: n_b = \arg\max_j \{ s_{bj} : s_{bj} \le c_b - (1 - \text{share}) \lvert c_b \rvert \}, \quad
        s_{bj} = \cos(x_b, u_j), \; c_b = \cos(x_b, y_b)

    The partner itself is never below. Where no candidate is, it is the least alike of all.

    Args:
        rows, partner: x and y, two sides of the same pairs.
        candidate: u.
        share: in [0, 1]: what is nearer than that to what the partner is may well say the same.

    Returns: indices of candidates.

    Raises: UserError for rows of several shapes, no candidate, or a share out of range.

    Example:
        >>> rows, partner = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.1]])
        >>> hardest_below(rows, partner, torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
        tensor([1])

    Reference: Moreira et al. 2024, "NV-Retriever: Improving text embedding models with effective hard-negative
        mining" (arXiv:2407.15831), TopK-PercPos. Differences: their share is 0.95, of a teacher's scores; a
        partner at a negative cosine has its bound below it, not above.
    """
    check_pair("hardest_below", ("rows", rows), ("partner", partner))
    check_matrix("hardest_below", "candidate", candidate)
    check_width("hardest_below", "candidate", candidate, rows.shape[1])
    if not 0 <= share <= 1:
        raise must_be("hardest_below", "share", "in [0, 1]", share)
    rows, partner, candidate = (unit_rows(whole(one)) for one in (rows, partner, candidate))
    alike = (rows * partner).sum(1, keepdim=True)
    most = alike - (1 - share) * alike.abs()
    found = []
    for own, limit in zip(torch.split(rows, _BLOCK), torch.split(most, _BLOCK), strict=True):
        cosine = own @ candidate.T
        below = cosine.masked_fill(cosine > limit, -torch.inf)
        found.append(torch.where(below.isneginf().all(1), cosine.argmin(1), below.argmax(1)))
    return torch.cat(found)


@torch.no_grad()
def batch_hard(
    embedding: Float[Tensor, "B D"], label: Int64[Tensor, " B"]
) -> tuple[Int64[Tensor, " B"], Int64[Tensor, " B"]]:
    r"""The farthest row of each row's label and the nearest one of another, by euclidean distance.

    Memory is B x B.

    Returns: (positive, negative), indices of rows; -1 where a row is alone with its label, or all have one.

    Raises: UserError for labels of another length.

    Example:
        >>> rows = torch.tensor([[0.0], [1.0], [4.0], [6.0]])
        >>> batch_hard(rows, torch.tensor([0, 0, 0, 1]))
        (tensor([ 2,  2,  0, -1]), tensor([3, 3, 3, 2]))

    Reference: Hermans et al. 2017, "In Defense of the Triplet Loss for Person Re-Identification"
        (arXiv:1703.07737), eq. 5.
    """
    check_matrix("batch_hard", "embedding", embedding)
    check_length("batch_hard", "label", label, len(embedding))
    rows = whole(embedding)
    distance = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    same = label[:, None] == label
    far, positive = distance.masked_fill(~same, -1.0).fill_diagonal_(-1.0).max(1)
    near, negative = distance.masked_fill(same, torch.inf).min(1)
    return positive.masked_fill(far < 0, -1), negative.masked_fill(near == torch.inf, -1)


def hard_nt_xent(
    first: Float[Tensor, "B D"],
    second: Float[Tensor, "B D"],
    *,
    temperature: float,
    concentration: float = 1.0,
    positive_prior: float = 0.1,
    precision: Precision = "float32",
) -> Float[Tensor, " 2*B"]:
    r"""NT-Xent whose negatives count the more the more similar they are, less those that are none.

    .. math:: \ell_i = -\log \frac{e^{s_i}}{e^{s_i} + g_i}, \quad
        g_i = \max\Bigl( \frac{1}{1 - \tau^+} \Bigl( \sum_n w_{in} e^{s_{in}} - N \tau^+ e^{s_i} \Bigr),
        N e^{-1/\tau} \Bigr), \quad
        w_{in} = \frac{e^{\beta s_{in}}}{\operatorname{mean}_m e^{\beta s_{im}}}

    with the cosine over the temperature: s to the row's partner, s_n to the N = 2B - 2 other rows. The weighted
    sum is the quotient of two, whose logarithms are log-sum-exps at tau / (1 + beta) and tau / beta.

    Args:
        first, second: row b of one belongs to row b of the other.
        temperature: tau, finite and > 0.
        concentration: beta, finite and >= 0: how much a hard negative weighs more; 0 weighs them alike.
        positive_prior: tau^+ in [0, 1): how likely a negative is of the anchor's class all the same.
        precision: see ``info_nce``.

    Returns: nats for each row of ``first``, then of ``second``, log(2B - 1) at equal rows, 0 for a single pair;
        the caller reduces.

    Raises: UserError for inputs of two shapes, or a setting out of range.

    Example:
        >>> hard_nt_xent(torch.ones(2, 4), torch.ones(2, 4), temperature=0.5)  # log 3
        tensor([1.0986, 1.0986, 1.0986, 1.0986])

    Reference: Robinson et al. 2021, "Contrastive Learning with Hard Negative Samples" (arXiv:2010.04592), section
        3 and its code, whose floor under g stands here too. Relations: with both settings 0 this is NT-Xent, with
        a concentration of 0 the debiased loss of Chuang et al. 2020 (arXiv:2007.00224).
    """
    check_pair("hard_nt_xent", ("first", first), ("second", second))
    check_hardness(temperature=temperature, concentration=concentration, positive_prior=positive_prior)
    rows = torch.cat([whole(first), whole(second)])
    unit = unit_rows(rows)
    own = (unit * unit.roll(len(first), 0)).sum(1) / temperature
    if len(first) == 1:
        return 0 * own
    pair = torch.arange(len(first), device=first.device).repeat(2)

    def log_sum_of_others(temperature: float) -> Tensor:
        return log_sum(
            rows, rows, temperature=temperature, anchor_id=pair, candidate_id=pair, precision=precision
        )

    count = math.log(len(rows) - 2)
    weighted = log_sum_of_others(temperature / (1 + concentration))
    if concentration > 0:
        weighted = weighted - log_sum_of_others(temperature / concentration) + count
    return torch.nn.functional.softplus(
        _log_of_true_negatives(weighted, own, count=count, positive_prior=positive_prior, temperature=temperature)
        - own
    )


def check_hardness(*, temperature: float, concentration: float, positive_prior: float) -> None:
    """Raises: UserError for a setting of ``hard_nt_xent`` that is out of range."""
    check_positive("hard_nt_xent", "temperature", temperature, advice="0.5 is usual")
    if not 0 <= concentration < math.inf:
        raise must_be("hard_nt_xent", "concentration", "finite and >= 0", concentration, "1 is usual")
    if not 0 <= positive_prior < 1:
        raise must_be("hard_nt_xent", "positive_prior", "in [0, 1)", positive_prior, "0.1 is usual")


def _log_of_true_negatives(
    weighted: Tensor, own: Tensor, *, count: float, positive_prior: float, temperature: float
) -> Tensor:
    """log g, out of the log of the weighted sum."""
    if positive_prior == 0:
        return weighted
    # log(e^weighted - e^positives), where the difference is above 0; elsewhere the floor, whose slope is 0
    gap = own + math.log(positive_prior) + count - weighted
    left = gap < -torch.finfo(gap.dtype).eps
    true = weighted + torch.log(-torch.expm1(gap.where(left, -1.0))) - math.log1p(-positive_prior)
    return true.where(left, -torch.inf).clamp(min=count - 1 / temperature)


def _equal_ids(anchor_id: Tensor, candidate_id: Tensor) -> tuple[Tensor, Tensor]:
    """(anchor, candidate) of every pair of equal ids, without comparing B x C of them."""
    ids, order = candidate_id.sort()
    begin = torch.searchsorted(ids, anchor_id)
    count = torch.searchsorted(ids, anchor_id, right=True) - begin
    row = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
    offset = torch.arange(len(row), device=count.device) - (count.cumsum(0) - count)[row]
    return row, order[begin[row] + offset]
