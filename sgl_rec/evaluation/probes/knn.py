"""The k nearest neighbours by cosine."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.figures import classification_figures
from sgl_rec.evaluation.probes.inputs import check_labelled, check_rows, unit
from sgl_rec.kernels.top_k import top_k_embeddings

_VOTES = 2**24
"""Pairs of neighbours that are compared at once."""


def knn(
    query: Float[Tensor, "B D"],
    query_label: Int[Tensor, " L"],
    gallery: Float[Tensor, "G D"],
    gallery_label: Int[Tensor, " M"],
    *,
    k: int = 1,
) -> dict[str, float]:
    """How often the class of most of a row's k nearest neighbours is its own.

    Args:
        query, query_label: the rows that are asked for.
        gallery, gallery_label: the rows that neighbours are found among, by cosine.
        k: 1 .. G.

    Returns: accuracy, precision, recall and F1 (:func:`classification_figures`).

    Raises: UserError for tables without rows, of other lengths than their labels or not finite, and for a k out
        of range.

    Example:
        >>> gallery = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> query = torch.tensor([[3.0, 1.0], [0.0, 0.5]])
        >>> knn(query, torch.tensor([7, 7]), gallery, torch.tensor([7, 8]))["accuracy"]
        0.5
    """
    check_labelled("knn", "query", query, query_label)
    nearest = knn_labels(query, gallery, gallery_label, k=k)
    return classification_figures(nearest, query_label.to(nearest.device))


def knn_labels(
    query: Float[Tensor, "B D"], gallery: Float[Tensor, "G D"], gallery_label: Int[Tensor, " M"], *, k: int = 1
) -> Int64[Tensor, " B"]:
    r"""The class that has most of the k nearest rows of the gallery; of equal ones that of the nearest row.

    .. math:: \hat y_b = \arg\max_c \#\{j \in N_k(b) : y_j = c\},\quad
              N_k(b) = \operatorname{top}_k \cos(q_b, g_j)

    Of rows that are as near as each other the lower index comes first. Memory is bounded, whatever B and G.

    Example:
        >>> gallery = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.8, 0.2]])
        >>> knn_labels(gallery[:1], gallery, torch.tensor([4, 5, 5]), k=3)
        tensor([5])
    """
    check_labelled("knn", "gallery", gallery, gallery_label)
    check_rows("knn", "query", query)
    if not 1 <= k <= len(gallery):
        raise must_be("knn", "k", f"in 1 .. {len(gallery)}, the rows of the gallery", k)
    none = torch.empty(0, dtype=torch.int64, device=query.device)
    neighbour, _ = top_k_embeddings(unit(query), unit(gallery), k=k, seen_row=none, seen_item=none)
    label = gallery_label.long()[neighbour]
    return torch.cat([_vote(block) for block in torch.split(label, max(1, _VOTES // k**2))])


def _vote(label: Int64[Tensor, "B K"]) -> Int64[Tensor, " B"]:
    """The most frequent of each row, of equally frequent ones the first."""
    k = label.shape[1]
    votes = (label[:, :, None] == label[:, None, :]).sum(dim=2)
    nearer = torch.arange(k, 0, -1, device=label.device)
    return label.gather(1, (votes * k + nearer).argmax(dim=1, keepdim=True)).squeeze(1)
