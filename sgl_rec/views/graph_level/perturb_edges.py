"""GraphCL's edge perturbation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.hash import below, split_key, uniform_bits
from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.selecting import check_batch, chosen, edge_columns, with_edges
from sgl_rec.views.thinning import check_rate


def perturb_edges(
    batch: Any, *, drop_rate: float = 0.2, add_rate: float = 0.2, generator: torch.Generator
) -> Any:
    r"""Take a share of the edges out of every graph, and put new ones between its nodes.

    .. math:: s(\mathcal V, \mathcal E) = (\mathcal V,\; (\mathcal E \setminus \mathcal D) \cup \mathcal A),\quad
              |\mathcal D| = \lfloor \rho |\mathcal E| \rfloor,\;
              |\mathcal A| \le \lfloor \alpha |\mathcal E| \rfloor,\; \mathcal A \cap \mathcal E = \emptyset

    An edge is a pair of nodes: both its directions go together, and a new one stands in both. New pairs are drawn
    uniformly; one that is an edge already, or was drawn before, is not added.

    Args:
        batch: a ``torch_geometric.data.Batch``.
        drop_rate: :math:`\rho` in [0, 1).
        add_rate: :math:`\alpha` in [0, 1).

    Returns: a batch with the same nodes; its edges lie graph by graph.

    Raises: UserError for a rate outside [0, 1), for what is no batch, and where edges are added to a batch whose
        edges have attributes.

    Example:
        >>> from torch_geometric.data import Batch, Data
        >>> path = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> batch = Batch.from_data_list([path])
        >>> perturb_edges(batch, drop_rate=0.5, add_rate=0.0, generator=torch.Generator()).num_edges
        2

    Reference: You et al. (NeurIPS 2020), table 1, edge perturbation, with the paper's ratio. Differences: the
    paper's code for unsupervised learning only drops (``add_rate=0``), and drops the directions apart.
    """
    check_rate("perturb_edges", "drop_rate", drop_rate)
    check_rate("perturb_edges", "add_rate", add_rate)
    check_batch("perturb_edges", batch)
    if add_rate and (columns := edge_columns(batch)):
        advice = "a new edge has none: remove them, or set add_rate to 0"
        raise must_be("perturb_edges", "edges of the batch", "without attributes", ", ".join(columns), advice)
    key = draw_key(generator)
    pairs, pair_of_edge = torch.unique(_codes(batch.edge_index, batch.num_nodes), return_inverse=True)
    graph_of_pair = batch.batch[pairs // max(batch.num_nodes, 1)]
    dropped = chosen(graph_of_pair, num_groups=batch.num_graphs, share=drop_rate, key=split_key(key, 0))
    view = with_edges(batch, ~dropped[pair_of_edge])
    if add_rate:
        number = (torch.bincount(graph_of_pair, minlength=batch.num_graphs).double() * add_rate).long()
        new = _new_pairs(batch, pairs, number, key=split_key(key, 1))
        edge_index = torch.cat([view.edge_index, new, new.flip(0)], dim=1)
        view.edge_index = edge_index[:, batch.batch[edge_index[0]].argsort(stable=True)]
    return view


def _codes(edge_index: Tensor, num_nodes: int) -> Tensor:
    """One number for each pair of nodes, whatever its direction."""
    return edge_index.amin(dim=0) * num_nodes + edge_index.amax(dim=0)


def _new_pairs(batch: Any, pairs: Tensor, number: Tensor, *, key: int) -> Tensor:
    """Pairs of different nodes, at most ``number`` in each graph, that are not among ``pairs``; shape (2, A)."""
    size = batch.ptr.diff()
    graph = torch.repeat_interleave(torch.arange(len(number), device=number.device), number * (size > 1))
    counter = torch.arange(len(graph), device=graph.device)
    first = below(uniform_bits(split_key(key, 0), counter), size[graph])
    second = below(uniform_bits(split_key(key, 1), counter), size[graph] - 1)
    second += second >= first
    codes = torch.unique(_codes(torch.stack([first, second]) + batch.ptr[graph], batch.num_nodes))
    codes = codes[~torch.isin(codes, pairs)]
    return torch.stack([codes // batch.num_nodes, codes % batch.num_nodes])
