"""Adapters from a training step to the losses of this room: which rows meet which, reduced to a scalar."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.losses.contrastive import info_nce
from sgl_rec.losses.penalty import l2
from sgl_rec.losses.ranking import bpr
from sgl_rec.types import Embeddings, Precision, Step

Candidates = Literal["all", "batch", "batch-unique"]
Sides = Literal["apart", "merged"]

NOT_A_CANDIDATE = -1e4
"""A bias whose exponential is 0 beside any cosine's, and that is finite: a row of weight 0 stays 0."""


class _Contrast(NamedTuple):
    """Anchors, their candidates, each anchor's target among them, node id and weight, each candidate's bias."""

    anchor: Float[Tensor, "B D"]
    candidate: Float[Tensor, "C D"]
    target: Int64[Tensor, " B"]
    ids: Int64[Tensor, " B"]
    weight: Float[Tensor, " B"]
    bias: Float[Tensor, " C"] | None = None


class BprTerm(nn.Module):
    """Mean of ``bpr`` over the triples of the batch, on the embeddings of the training graph.

    Example:
        >>> from sgl_rec.types import Batch
        >>> table = Embeddings(torch.ones(2, 4), torch.ones(3, 4))
        >>> batch = Batch(torch.tensor([0, 1]), torch.tensor([2, 2]), torch.tensor([0, 1]))
        >>> BprTerm()(Step(batch, table, table))
        tensor(0.6931)
    """

    def forward(self, step: Step) -> Float[Tensor, ""]:
        return bpr(*_triple(step, step.embeddings)).mean()


class L2Term(nn.Module):
    """Mean of ``l2`` over the triples of the batch, on the layer-0 rows of user, positive and negative.

    Example:
        >>> from sgl_rec.types import Batch
        >>> table = Embeddings(torch.ones(2, 4), torch.ones(3, 4))
        >>> batch = Batch(torch.tensor([0, 1]), torch.tensor([2, 2]), torch.tensor([0, 1]))
        >>> L2Term()(Step(batch, table, table))  # three rows of four ones: 0.5 * 3 * 4
        tensor(6.)
    """

    def forward(self, step: Step) -> Float[Tensor, ""]:
        return l2(*_triple(step, step.initial)).mean()


class InfoNceTerm(nn.Module):
    r"""``info_nce`` between two views: a batch node of the first picks itself out of the second.

    .. math:: \sum_{\text{side} \in \{\text{users}, \text{items}\}} \sum_i w_i \,
        \ell(\text{view}_0[i], \text{candidates of view}_1)

    Users are the batch's users, items its positive items. With B rows in the batch and BPR as a mean too, the
    ratio of the two terms is that of SGL's sums over the batch.

    Args:
        temperature: finite and > 0.
        candidates: which nodes of the second view stand in the sum.

            - ``all``: every node, as SGL does. Anchors are the rows of the batch with repeats, w = 1/B each
              (computed once for each distinct anchor, with its count as weight: the same value, cheaper).
            - ``batch``: every row of the batch, repeats included, so that a frequent node weighs as often as it
              occurs; anchors are the rows, w = 1/B. Other rows of the anchor's own node are left out.
            - ``batch-unique``: the distinct nodes of the batch, which are the anchors too, w = 1 / their number
              on their side, as SimGCL does.
        sides: ``apart``: users among users and items among items; ``merged``: users and items are one set of
            nodes, candidates of both kinds. Anchors and weights are the same.
        precision: what the products read, see ``info_nce``.

    Raises: UserError for an unknown choice, and at a step that has not exactly two views.

    Example:
        >>> from sgl_rec.types import Batch
        >>> table = Embeddings(torch.ones(2, 4), torch.ones(3, 4))
        >>> batch = Batch(torch.tensor([0, 1]), torch.tensor([2, 2]), torch.tensor([0, 1]))
        >>> step = Step(batch, table, table, (table, table))
        >>> InfoNceTerm(temperature=0.5)(step)  # equal rows: log(2 users) + log(3 items)
        tensor(1.7918)
        >>> InfoNceTerm(sides="merged")(step)  # two rows of log(5 nodes)
        tensor(3.2189)

    Reference: Wu et al. 2021 (arXiv:2010.10783), eq. 10; Yu et al. 2022, SimGCL (arXiv:2112.08679), and its code
        (`batch-unique`). Different: SGL sums over the batch, here 1/B.
    """

    def __init__(
        self,
        *,
        temperature: float = 0.2,
        candidates: Candidates = "all",
        sides: Sides = "apart",
        precision: Precision = "float32",
    ) -> None:
        super().__init__()
        if not 0 < temperature < float("inf"):
            raise must_be("info_nce", "temperature", "finite and > 0", temperature, "0.2 is a usual start")
        for name, value, known in (
            ("candidates", candidates, Candidates),
            ("sides", sides, Sides),
            ("precision", precision, Precision),
        ):
            if value not in get_args(known):
                raise must_be("info_nce", name, f"one of {', '.join(get_args(known))}", repr(value))
        self.temperature = temperature
        self.candidates = candidates
        self.sides = sides
        self.precision = precision

    def forward(self, step: Step) -> Float[Tensor, ""]:
        if len(step.views) != 2:
            raise must_be("info_nce", "views", "exactly two", len(step.views), "set views.num_views = 2")
        first, second = step.views
        users = self._contrast(step.batch.user, first.user, second.user)
        items = self._contrast(step.batch.positive, first.item, second.item)
        if self.sides == "merged":
            return self._value(_merge(users, items, id_offset=len(first.user)))
        return self._value(users) + self._value(items)

    def _contrast(self, nodes: Int64[Tensor, " B"], first: Tensor, second: Tensor) -> _Contrast:
        """The anchors, candidates and weights of one side."""
        ids, weight, bias = self._anchors(nodes)
        anchor = first.index_select(0, ids)
        if self.candidates == "all":
            return _Contrast(anchor, second, ids, ids, weight)
        position = torch.arange(len(ids), device=ids.device)
        return _Contrast(anchor, second.index_select(0, ids), position, ids, weight, bias)

    def _anchors(self, nodes: Int64[Tensor, " B"]) -> tuple[Tensor, Tensor, Tensor | None]:
        """The anchors' ids and weights, and the bias of as many candidates from the batch."""
        fixed = _has_fixed_shapes(nodes)
        if self.candidates == "batch" or (self.candidates == "all" and fixed):
            return nodes, torch.full_like(nodes, 1 / len(nodes), dtype=torch.float64), None
        if fixed:
            # As many rows as the batch has: a node's later ones weigh nothing and are no candidates.
            ids = nodes.sort().values
            again = torch.cat([torch.zeros_like(ids[:1]), ids.diff() == 0]).bool()
            weight = (~again).double()
            bias = torch.zeros_like(ids, dtype=torch.float32).masked_fill(again, NOT_A_CANDIDATE)
            return ids, weight / weight.sum(), bias
        ids, count = torch.unique(nodes, return_counts=True)
        weight = count.double() if self.candidates == "all" else torch.ones_like(ids, dtype=torch.float64)
        return ids, weight / weight.sum(), None

    def _value(self, contrast: _Contrast) -> Float[Tensor, ""]:
        # with `all` and `batch-unique` no candidate occurs twice: there is nothing to leave out
        ids = contrast.ids if self.candidates == "batch" else None
        return info_nce(
            contrast.anchor,
            contrast.candidate,
            contrast.target,
            temperature=self.temperature,
            anchor_id=ids,
            candidate_id=ids,
            candidate_bias=contrast.bias,
            weight=contrast.weight,
            precision=self.precision,
        )


def _merge(users: _Contrast, items: _Contrast, *, id_offset: int) -> _Contrast:
    """Users and items as one set of nodes, users first."""
    return _Contrast(
        torch.cat([users.anchor, items.anchor]),
        torch.cat([users.candidate, items.candidate]),
        torch.cat([users.target, items.target + len(users.candidate)]),
        torch.cat([users.ids, items.ids + id_offset]),
        torch.cat([users.weight, items.weight]),
        None if users.bias is None or items.bias is None else torch.cat([users.bias, items.bias]),
    )


def _has_fixed_shapes(nodes: Tensor) -> bool:
    """Whether shapes must not depend on which nodes there are: on a GPU, that would wait for the device."""
    return nodes.is_cuda


def _triple(step: Step, table: Embeddings) -> tuple[Tensor, Tensor, Tensor]:
    """The rows of the batch in ``table``. ``index_select``: ``table[rows]`` has no repeatable backward."""
    return (
        table.user.index_select(0, step.batch.user),
        table.item.index_select(0, step.batch.positive),
        table.item.index_select(0, step.batch.negative),
    )
