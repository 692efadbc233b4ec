"""What encoders over a table of nodes share: its start, does a graph fit, one hop, users and items apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.kernels.noise import layer_key
from sgl_rec.kernels.propagate import propagate
from sgl_rec.types import Embeddings, Graph, Precision

MOST_LAYERS = 64
"""An encoder that holds a buffer a layer refuses more: it is a slip."""


def check_sizes(where: str, *, num_layers: int, embedding_dim: int) -> None:
    """Raises: UserError for a number of layers or a width that an encoder of single hops cannot have."""
    if not 1 <= num_layers <= MOST_LAYERS:
        raise must_be(where, "num_layers", f"in 1 .. {MOST_LAYERS}", num_layers)
    if embedding_dim < 1:
        raise must_be(where, "embedding_dim", "at least 1", embedding_dim)


def check_graph(where: str, graph: Graph, *, size: tuple[int, int], num_layers: int, dtype: torch.dtype) -> None:
    """Raises: UserError for a graph of other (users, items), another dtype or another number of layers."""
    if (graph.num_users, graph.num_items) != size:
        raise must_be(where, "(users, items) of the graph", f"{size}", (graph.num_users, graph.num_items))
    if len(graph.layers) not in (1, num_layers):
        raise must_be(where, "adjacencies of the graph", f"1 or num_layers = {num_layers}", len(graph.layers))
    if graph.layers[0].left.dtype != dtype:
        raise must_be(where, "dtype of the graph", f"{dtype}", graph.layers[0].left.dtype)


@torch.no_grad()
def draw_start(
    where: str, tables: Sequence[Tensor], *, initial: str, std: float, generator: torch.Generator
) -> None:
    """Fill layer-0 tables: "xavier" (uniform, each by its own size) or "normal". Raises: UserError for others."""
    if initial not in ("xavier", "normal"):
        raise must_be(where, "initial", "'xavier' or 'normal'", repr(initial))
    for table in tables:
        if initial == "xavier":
            nn.init.xavier_uniform_(table, generator=generator)
        else:
            nn.init.normal_(table, std=std, generator=generator)


def split_nodes(table: Float[Tensor, "N D"], *, num_users: int) -> Embeddings:
    """Users and items of a table of nodes."""
    # One split has one backward, a concatenation; two slices would each fill a table with zeros.
    user, item = torch.split_with_sizes(table, [num_users, len(table) - num_users])
    return Embeddings(user, item)


def hop_on(graph: Graph, index: int, x: Float[Tensor, "N D"], *, precision: Precision) -> Float[Tensor, "N D"]:
    """Hop ``index`` of a graph, counted from 0, with the graph's noise: for encoders that are not linear."""
    noise = graph.noise
    if noise is not None:  # each hop is the first of a call of its own, so that its key has to be its own
        noise = replace(noise, key=layer_key(noise, index + 1))
    result = propagate((graph.layer(index),), x, weights=(0.0, 1.0), noise=noise, precision=precision)
    assert isinstance(result, Tensor)
    return result
