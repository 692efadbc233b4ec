"""What a Trainer trains: the modules, what a step computes with them, and what is validated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import nn

from sgl_rec.types import Batch, Embeddings, Graph, Step, Terms


class Learner(Protocol):
    """The part of training that knows what is learnt from.

    Args:
        encoder: what is kept of the best epoch; its parameters and the objective's are trained.
        objective: may have parameters and state of its own.
    """

    encoder: nn.Module
    objective: nn.Module

    def draw_views(self, epoch: int, step: int) -> tuple[Any, ...]:
        """What is drawn for a step beside its batch."""
        ...

    def backward(self, batch: Any, views: tuple[Any, ...]) -> Terms:
        """What is minimised in a step; its gradients are added to those of the parameters."""
        ...

    def embed(self) -> Any:
        """What validation looks at, without gradients."""
        ...

    def on_epoch(self) -> None:
        """An epoch begins."""
        ...

    def after_step(self) -> None:
        """The optimiser has stepped."""
        ...


class GraphLearner:
    """A recommender: an encoder of a graph, and an objective over the embeddings of the graph and its views.

    Args:
        encoder: a Module that maps a Graph to Embeddings and has ``initial()``.
        objective: a Module that maps a Step to Terms, with the hooks ``on_epoch(embeddings)`` and
            ``after_step()``.
        graph: the training graph.
        draw_views: (epoch, step) -> the augmented graphs for that step (none for a plain ranking loss).
    """

    def __init__(
        self,
        encoder: nn.Module,
        objective: nn.Module,
        *,
        graph: Graph,
        draw_views: Callable[[int, int], tuple[Graph, ...]],
    ) -> None:
        self.encoder: Any = encoder
        self.objective: Any = objective
        self._graph, self._draw = graph, draw_views

    def draw_views(self, epoch: int, step: int) -> tuple[Graph, ...]:
        return self._draw(epoch, step)

    def backward(self, batch: Batch, views: tuple[Graph, ...]) -> Terms:
        """Embed the graph and its views, compute the terms and their gradients."""
        embeddings, embedded = passes(self.encoder, self._graph, views)
        terms: Terms = self.objective(Step(batch, embeddings, self.encoder.initial(), embedded))
        torch.autograd.backward(terms.total)
        return terms

    @torch.no_grad()
    def embed(self) -> Embeddings:
        """The embeddings on the training graph."""
        embeddings: Embeddings = self.encoder(self._graph)
        return embeddings

    def on_epoch(self) -> None:
        self.objective.on_epoch(self.embed())

    def after_step(self) -> None:
        self.objective.after_step()


def passes(encoder: Any, graph: Graph, views: tuple[Graph, ...]) -> tuple[Embeddings, tuple[Embeddings, ...]]:
    """The embeddings that a step ranks with, and those it contrasts: one pass for the graph and for each view.

    A view that is the graph itself has the graph's embeddings, without a pass of its own. An encoder that shares
    more between the two (XSimGCL) has a method ``passes(graph, views)`` that says how, or None where it does not.
    """
    shared: tuple[Embeddings, tuple[Embeddings, ...]] | None = None
    if hasattr(encoder, "passes"):
        shared = encoder.passes(graph, views)
    if shared is not None:
        return shared
    whole = encoder(graph)
    return whole, tuple(whole if view is graph else encoder(view) for view in views)
