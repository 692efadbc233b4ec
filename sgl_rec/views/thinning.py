"""What the graph views share: a check of the rate, and a graph with thinned layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jaxtyping import Int32
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.graph.normalise import normalised
from sgl_rec.types import Adjacency, Graph


def check_rate(where: str, what: str, rate: float) -> None:
    """Raises: UserError for a probability outside [0, 1)."""
    if not 0 <= rate < 1:
        raise must_be(where, what, "in [0, 1)", rate)


def thinned(
    graph: Graph,
    adjacency: Adjacency,
    pattern: tuple[Int32[Tensor, " N1"], Int32[Tensor, " E2"]],
) -> Adjacency:
    """``pattern`` normalised by its own degrees, with the graph's exponents and the adjacency's dtype."""
    return normalised(*pattern, exponents=graph.exponents, dtype=adjacency.left.dtype)


def map_layers(
    graph: Graph, thin: Callable[[Adjacency], tuple[Int32[Tensor, " N1"], Int32[Tensor, " E2"]]]
) -> Graph:
    """A new graph with ``thin`` applied to every layer, each normalised again."""
    return replace(graph, layers=tuple(thinned(graph, layer, thin(layer)) for layer in graph.layers))
