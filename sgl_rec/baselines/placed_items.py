"""Items that nobody has touched among those that somebody has: scored by what is known of them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from sgl_rec.errors import must_be
from sgl_rec.types import Scorer


class PlacedItems:
    r"""A Scorer: another one's scores for warm items; for cold ones a score of their content, on the same scale.

    .. math:: c(u, i) = z_w\!\left(\cos(e_u, p_i)\right) + \alpha\, z_w(\hat n_i), \qquad
        s(u, i) = \overline{s_w(u)} + \operatorname{std} s_w(u) \left(z_w(c(u, i)) + \text{lift}\right)

    for cold items i, where :math:`z_w` standardises by the mean and the deviation over the warm items, and
    :math:`s_w(u)` are the warm items' scores. So a cold item stands among the warm ones where a warm item of the
    same content would be expected, moved by ``lift``.

    Args:
        first: what scores warm items; it may know fewer items than there are places.
        user: e, the embeddings of the users.
        place, popularity: p and :math:`\hat n` of every item, as a content tower gives them.
        cold: the items that are scored by their content; those ``first`` does not know have to be.
        weight: alpha, of popularity.
        lift: in standard deviations.

    Raises: UserError where sizes do not fit, or no item is warm.

    Example:
        >>> from sgl_rec.types import Embeddings
        >>> user = torch.tensor([[1.0, 0.0]])
        >>> warm = Embeddings(user, torch.tensor([[4.0, 0.0], [2.0, 0.0], [0.0, 0.0]]))
        >>> place = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]])
        >>> cold = torch.tensor([False, False, True])
        >>> scorer = PlacedItems(warm, user=user, place=place, popularity=torch.zeros(3), cold=cold)
        >>> scorer.scores(torch.tensor([0])).round(decimals=1)
        tensor([[4.0000, 2.0000, 4.0000]])
    """

    def __init__(
        self,
        first: Scorer,
        *,
        user: Float[Tensor, "U D"],
        place: Float[Tensor, "J D"],
        popularity: Float[Tensor, " J"],
        cold: Bool[Tensor, " J"],
        weight: float = 0.0,
        lift: float = 0.0,
    ) -> None:
        known, number = first.num_items, len(place)
        if len(user) != first.num_users or number < known or not len(popularity) == len(cold) == number:
            got = (len(user), number, len(popularity), len(cold))
            raise must_be("PlacedItems", "(users, places, popularities, marks)", "of the scorer's sizes", got)
        if not bool(cold[known:].all()) or bool(cold.all()):
            raise must_be("PlacedItems", "cold", "every item the scorer lacks, and not all", int(cold.sum()))
        self.first, self._cold, self._lift = first, cold, lift
        self._user, self._place = normalize(user, dim=1), normalize(place, dim=1)
        warm = popularity[~cold]
        deviation, mean = torch.std_mean(warm, correction=0)
        self._prior = weight * (popularity - mean) / deviation.clamp(min=1e-6)

    @property
    def num_users(self) -> int:
        return self.first.num_users

    @property
    def num_items(self) -> int:
        return len(self._place)

    def scores(self, users: Int[Tensor, " B"]) -> Float[Tensor, "B J"]:
        """The scores of all items for a block of users, a new tensor."""
        warm, scores = ~self._cold, self.first.scores(users)
        content = _standard(self._user[users] @ self._place.T, warm).add_(self._prior)
        content = _standard(content, warm)
        deviation, mean = torch.std_mean(scores[:, warm[: scores.shape[1]]], dim=1, keepdim=True, correction=0)
        placed = mean + deviation * (content[:, self._cold] + self._lift)
        if scores.shape[1] < self.num_items:
            scores = torch.cat([scores, scores.new_zeros(len(scores), self.num_items - scores.shape[1])], dim=1)
        scores[:, self._cold] = placed.to(scores.dtype)
        return scores


def _standard(scores: Float[Tensor, "B J"], among: Bool[Tensor, " J"]) -> Float[Tensor, "B J"]:
    """Mean 0 and deviation 1 over ``among`` in each row."""
    deviation, mean = torch.std_mean(scores[:, among], dim=1, keepdim=True, correction=0)
    return (scores - mean) / deviation.clamp(min=1e-6)
