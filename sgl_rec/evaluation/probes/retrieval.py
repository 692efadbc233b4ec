"""Whether a row finds its partner: images their text, texts their image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.inputs import check_rows, unit

_BLOCK = 2**22
"""Similarities that are held at once."""


def retrieval(
    query: Float[Tensor, "B D"],
    gallery: Float[Tensor, "G D"],
    *,
    query_id: Int[Tensor, " L"] | None = None,
    gallery_id: Int[Tensor, " M"] | None = None,
    k: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    r"""The share of queries that have a partner among the K most similar rows of the gallery.

    .. math:: R@K = \frac1B \#\{b : r_b \le K\}

    Args:
        query_id, gallery_id: rows of one id are partners, several of either side if need be; without ids, which
            are given together, row b of one belongs to row b of the other.
        k: the cut-offs K, each at least 1.

    Returns: ``recall@K`` for each K, in [0, 1]. Equal embeddings everywhere give chance, min(1, K / B).

    Raises: UserError for tables without rows or not finite, ids of another number than the rows, a query whose id
        no row of the gallery has, and a cut-off below 1.

    Example:
        >>> image, text = torch.eye(3), torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.1, 1.0], [0.0, 1.0, 0.5]])
        >>> retrieval(image, text, k=(1, 2))
        {'recall@1': 0.3333333333333333, 'recall@2': 1.0}

    Reference: Hodosh, Young and Hockenmaier 2013, R@k.
    """
    if not k or min(k) < 1:
        raise must_be("retrieval", "k", "cut-offs of at least 1", list(k))
    rank = first_rank(query, gallery, query_id=query_id, gallery_id=gallery_id)
    return {f"recall@{cut}": float((rank <= cut).double().mean()) for cut in k}


@torch.no_grad()
def first_rank(
    query: Float[Tensor, "B D"],
    gallery: Float[Tensor, "G D"],
    *,
    query_id: Int[Tensor, " L"] | None = None,
    gallery_id: Int[Tensor, " M"] | None = None,
) -> Int64[Tensor, " B"]:
    """The place, from 1, at which each query's first partner stands when the gallery is ranked by cosine.

    Of rows that are as similar as each other the lower index comes first. Memory is bounded, whatever B and G.

    Example:
        >>> first_rank(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 1.0]]),
        ...            query_id=torch.tensor([8]), gallery_id=torch.tensor([8, 9]))
        tensor([2])
    """
    check_rows("retrieval", "query", query)
    check_rows("retrieval", "gallery", gallery)
    asked, there = _ids(query, gallery, query_id, gallery_id)
    rows, table = unit(query), unit(gallery)
    place = torch.arange(len(table), device=table.device)
    ranks = []
    size = max(1, _BLOCK // len(table))
    for block, wanted in zip(torch.split(rows, size), torch.split(asked, size), strict=True):
        similarity = block @ table.T
        partner = wanted[:, None] == there
        best = similarity.masked_fill(~partner, -torch.inf).amax(dim=1, keepdim=True)
        level = similarity == best
        first = place.masked_fill(~(level & partner), len(table)).amin(dim=1, keepdim=True)
        ranks.append(((similarity > best) | (level & (place < first))).sum(dim=1) + 1)
    return torch.cat(ranks)


def _ids(
    query: Tensor, gallery: Tensor, query_id: Tensor | None, gallery_id: Tensor | None
) -> tuple[Tensor, Tensor]:
    if query_id is None or gallery_id is None:
        if query_id is not gallery_id:
            raise must_be("retrieval", "ids", "given for both sides or for neither", "those of one")
        if len(query) != len(gallery):
            raise must_be(
                "retrieval", "rows of the gallery", f"{len(query)}, one a query", len(gallery), "or give ids"
            )
        rows = torch.arange(len(query), device=query.device)
        return rows, rows
    for what, rows, ids in (("query", query, query_id), ("gallery", gallery, gallery_id)):
        if len(ids) != len(rows):
            raise must_be("retrieval", f"{what}_id", f"{len(rows)}, one a row", len(ids))
    lost = ~torch.isin(query_id, gallery_id)
    if bool(lost.any()):
        raise must_be("retrieval", "query_id", "an id of the gallery", int(query_id[lost][0]))
    return query_id, gallery_id
