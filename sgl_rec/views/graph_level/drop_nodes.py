"""GraphCL's node dropping."""

from __future__ import annotations

from typing import Any

import torch

from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.selecting import check_batch, chosen, induced
from sgl_rec.views.thinning import check_rate


def drop_nodes(batch: Any, *, drop_rate: float = 0.2, generator: torch.Generator) -> Any:
    r"""Take a share of the nodes out of every graph, with all their edges.

    .. math:: s(\mathcal V, \mathcal E) = (\mathcal K, \mathcal E \cap \mathcal K^2),\quad
              |\mathcal V| - |\mathcal K| = \lfloor \rho |\mathcal V| \rfloor

    Args:
        batch: a ``torch_geometric.data.Batch``.
        drop_rate: :math:`\rho` in [0, 1); of a graph with fewer than :math:`1 / \rho` nodes none is dropped.

    Returns: a batch of as many graphs; what is kept stays in its order.

    Raises: UserError for a rate outside [0, 1), and for what is no batch.

    Example:
        >>> from torch_geometric.data import Batch, Data
        >>> path = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> view = drop_nodes(Batch.from_data_list([path, path]), drop_rate=0.4, generator=torch.Generator())
        >>> view.ptr.tolist()
        [0, 2, 4]

    Reference: You et al., "Graph Contrastive Learning with Augmentations" (NeurIPS 2020), table 1, node dropping,
    with the paper's ratio. Difference: GraphCL's code also removes nodes that are left without an edge.
    """
    check_rate("drop_nodes", "drop_rate", drop_rate)
    check_batch("drop_nodes", batch)
    dropped = chosen(batch.batch, num_groups=batch.num_graphs, share=drop_rate, key=draw_key(generator))
    return induced(batch, ~dropped)
