"""The content tower: what is known of an item beside who touched it -> its place, and how popular it may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.rng import scope


class Placed(NamedTuple):
    """Rows in the space of the recommender, and the log of the interactions expected of each, less the mean's."""

    place: Float[Tensor, "B D"]
    popularity: Float[Tensor, " B"]


class ContentTower(nn.Module):
    r"""Blocks of content (texts, pictures, features), each centred and scaled, joined, through one hidden layer.

    .. math:: x = \left[\sqrt{F / n}\, \frac{c_b - \mu_b}{s_b}\right]_b,\qquad
        h = \operatorname{relu}(W_1 x + b_1),\qquad p = W_2 h + b_2,\quad \hat n = w^\top h + b_3

    for n blocks of F numbers together, where :math:`\mu_b` is the mean of the rows that are learnt from and
    :math:`s_b` their mean distance from it: no block counts for more because it is wider or longer. A block that
    an item does not have is 0, its mean.

    Args:
        widths: numbers of each block.
        embedding_dim: of the recommender's embeddings.
        hidden_dim: of h.
        drop_rate: of the joined rows and of h, in training.
        generator: draws the start.

    Raises: UserError for no block, or a value out of range.

    Example:
        >>> tower = ContentTower([3], embedding_dim=4, generator=torch.Generator().manual_seed(0))
        >>> rows, known = torch.eye(3), torch.ones(3, 1, dtype=torch.bool)
        >>> tower.fit_scale([rows], known)
        >>> tuple(tower([rows], known).place.shape)
        (3, 4)

    Reference: the item side of CLCRec, Wei et al., "Contrastive Learning for Cold-Start Recommendation" (MM 2021,
        arXiv:2107.05315). Differences: blocks are scaled alike, and popularity is foretold too.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        widths: Sequence[int],
        *,
        embedding_dim: int,
        hidden_dim: int = 256,
        drop_rate: float = 0.2,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1:
            raise must_be("ContentTower", "widths", "one or more numbers of at least 1", list(widths))
        if min(embedding_dim, hidden_dim) < 1:
            raise must_be("ContentTower", "widths of the tower", "at least 1", (hidden_dim, embedding_dim))
        if not 0 <= drop_rate < 1:
            raise must_be("ContentTower", "drop_rate", "in [0, 1)", drop_rate)
        self.widths = tuple(widths)
        self.register_buffer("mean", torch.zeros(sum(widths)))
        self.register_buffer("scale", torch.ones(len(widths)))
        with scope(generator):
            self.hidden = nn.Linear(sum(widths), hidden_dim)
            self.out = nn.Linear(hidden_dim, embedding_dim)
            self.count = nn.Linear(hidden_dim, 1)
        self.drop = nn.Dropout(drop_rate)

    @torch.no_grad()
    def fit_scale(self, blocks: Sequence[Float[Tensor, "B _"]], known: Bool[Tensor, "B P"]) -> None:
        """Take mean and scale from the rows that are learnt from; a block nobody has, or all alike, stays 0."""
        means, scales = [], []
        for number, block in enumerate(blocks):
            rows = block[known[:, number]].float()
            means.append(rows.mean(0) if len(rows) else torch.zeros(block.shape[1]))
            distance = (rows - means[-1]).norm(dim=1).mean() if len(rows) else torch.zeros(())
            alike = distance <= 1e-6 * rows.norm(dim=1).mean() if len(rows) else True  # a mean is rounded
            scales.append(torch.ones(()) if alike else distance)
        self.mean.copy_(torch.cat(means))
        self.scale.copy_(torch.stack(scales))

    def forward(self, blocks: Sequence[Float[Tensor, "B _"]], known: Bool[Tensor, "B P"]) -> Placed:
        """Rows of each block, and which of them there are. Raises: UserError for blocks of other widths."""
        if (found := tuple(block.shape[1] for block in blocks)) != self.widths:
            raise must_be("ContentTower", "widths", str(self.widths), found)
        share = (sum(self.widths) / len(self.widths)) ** 0.5
        means = torch.split_with_sizes(self.mean, list(self.widths))
        joined = [
            torch.where(known[:, number, None], (block.float() - means[number]) * (share / self.scale[number]), 0)
            for number, block in enumerate(blocks)
        ]
        hidden = self.drop(torch.relu(self.hidden(self.drop(torch.cat(joined, dim=1)))))
        return Placed(self.out(hidden), self.count(hidden).squeeze(1))
