"""k nearest neighbours by content: an item is scored by its likeness to what the user has touched."""

from __future__ import annotations

import scipy.sparse as sp
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.baselines.matrix import at_least, interaction_matrix, item_blocks
from sgl_rec.errors import must_be
from sgl_rec.types import Interactions


class ContentKnn:
    r"""A Scorer that adds the cosines between an item's content and the user's items' among its nearest.

    .. math:: s(u, i) = \sum_{j \in N(i) \cap I_u} \max(0, \cos(x_i, x_j))

    where :math:`N(i)` are the ``num_neighbours`` other items that somebody has touched whose content is nearest,
    ties to the lower index. It scores items nobody has touched as well as others. An item without content is
    nobody's neighbour.

    Args:
        item_vectors: x, the content of every item; the program's.
        num_neighbours: at least 1.

    Raises: UserError for an argument out of range, or without ``[content]``.

    Example:
        >>> import numpy as np
        >>> pairs = Interactions(np.array([0]), np.array([0]), num_users=1, num_items=3)
        >>> like = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        >>> ContentKnn(pairs, item_vectors=like).scores(torch.tensor([0])).round(decimals=2)
        tensor([[0.0000, 0.7100, 0.0000]])

    Reference: content-based filtering as in Pazzani and Billsus 2007; the neighbours belong to the item that is
        scored, as in Sarwar et al. 2001.
    """

    def __init__(
        self,
        interactions: Interactions,
        *,
        item_vectors: Float[Tensor, "I F"] | None = None,
        num_neighbours: int = 50,
    ) -> None:
        at_least("content-knn", "num_neighbours", num_neighbours, 1)
        if item_vectors is None:
            advice = "say --item-text COLUMNS, --item-images FOLDER or --item-features FILE"
            raise must_be("content-knn", "items", "described by [content]", "nothing", advice)
        if len(item_vectors) != interactions.num_items:
            raise must_be("content-knn", "item_vectors", f"{interactions.num_items} rows", len(item_vectors))
        self._touched = interaction_matrix(interactions)
        warm = torch.from_numpy(interactions.item_degree() > 0)
        self._weight = _neighbours(item_vectors.float(), warm, number=num_neighbours)

    @property
    def num_users(self) -> int:
        return int(self._touched.shape[0])

    @property
    def num_items(self) -> int:
        return int(self._touched.shape[1])

    def scores(self, users: Int[Tensor, " B"]) -> Float[Tensor, "B I"]:
        """The scores of all items for a block of users, a new tensor."""
        return torch.from_numpy((self._touched[users.numpy()] @ self._weight).toarray())


def _neighbours(vectors: Float[Tensor, "I F"], warm: Tensor, *, number: int) -> sp.csr_matrix:
    """W of shape (I, I): column i holds the cosines of the neighbours j of item i."""
    rows = torch.nn.functional.normalize(vectors, dim=1)
    touched = warm.nonzero()[:, 0]
    parts = []
    for block in item_blocks(len(rows)):
        like = rows[block] @ rows[touched].T
        like[touched[None, :] == torch.arange(block.start, block.stop)[:, None]] = -1
        cosine, place = (best[:, :number] for best in like.sort(dim=1, descending=True, stable=True))
        column = torch.arange(block.start, block.stop)[:, None].expand_as(place)
        near = cosine > 0
        parts.append((cosine[near], touched[place[near]], column[near]))
    parts = parts or [(torch.empty(0), torch.empty(0).long(), torch.empty(0).long())]
    joined = [torch.cat(one).numpy() for one in zip(*parts, strict=True)]
    return sp.csr_matrix((joined[0], (joined[1], joined[2])), shape=(len(rows), len(rows)))
