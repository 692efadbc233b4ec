"""The items nearest to an item."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.contrast import unit_rows
from sgl_rec.ranking import MEMORY_BUDGET, rank
from sgl_rec.types import Embeddings, PairIndex, RankedLists


def similar(
    item: Float[Tensor, "I D"], items: Int[Tensor, " B"], *, k: int, memory_budget: int = MEMORY_BUDGET
) -> RankedLists:
    r"""The k nearest other items of each asked item by cosine, descending, ties to the lower index.

    .. math:: s(i, j) = \frac{\langle e_i, e_j \rangle}{\lVert e_i \rVert \lVert e_j \rVert},\quad j \ne i

    The cosine with a zero row is 0.

    Args:
        item: the item table.
        items: indices of the asked items.

    Returns: lists whose ``user`` is the asked item.

    Raises: UserError for an index that is no item, or a k below 1.

    Example:
        >>> table = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
        >>> similar(table, torch.tensor([0]), k=2).item.tolist()
        [[2, 1]]
    """
    num_items = len(item)
    if len(items) and not (items.min() >= 0 and items.max() < num_items):
        got = f"{int(items.min())} to {int(items.max())}"
        raise must_be("similar", "items", f"indices in [0, {num_items})", got)
    unit = unit_rows(item.detach())
    itself = PairIndex(torch.arange(num_items + 1), torch.arange(num_items), num_items)
    blocks = list(rank(Embeddings(unit, unit), users=items, k=k, seen=itself, memory_budget=memory_budget))
    if not blocks:
        return RankedLists(
            torch.empty(0, dtype=torch.int64), torch.empty(0, k, dtype=torch.int64), torch.empty(0, k)
        )
    return RankedLists(
        torch.cat([block.user for block in blocks]),
        torch.cat([block.item for block in blocks]),
        torch.cat([block.score for block in blocks]),
    )
