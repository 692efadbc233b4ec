"""Items that nobody has touched among those that somebody has: scored by what is known of them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from sgl_rec.errors import must_be
from sgl_rec.types import Scorer

MOST_PLACES = 1000
"""Of a user's warm items, from the best on, among which a cold one is put at its place; lower ones go behind."""


class PlacedItems:
    r"""A Scorer: another one's scores for warm items; for cold ones those of the places their content gives them.

    .. math:: c(u, i) = z_w\!\left(\cos(e_u, p_i)\right) + \alpha\, z_w(\hat n_i), \qquad
        q(u, i) = h \, \bigl(\text{place of } c(u, i) \text{ among } c(u, j), j \text{ warm}\bigr), \qquad
        s(u, i) = s(u, j_{q(u, i)})

    for cold items i, where :math:`z_w` standardises by the mean and the deviation over the warm items, and
    :math:`j_q` is the warm item at place q of the user's list, counted from 1. A cold item that would be the
    tenth by content stands at place 10 h of the list by scores, whatever their scale and spread; places and
    scores between two items are interpolated.

    Args:
        first: what scores warm items; it may know fewer items than there are places.
        user: e, the embeddings of the users.
        place, popularity: p and :math:`\hat n` of every item, as a content tower gives them.
        cold: the items that are scored by their content; those ``first`` does not know have to be.
        warm: the items among which they are put; by default all others. What is neither keeps its score.
        weight: alpha, of popularity.
        handicap: h > 0; at 1 cold and warm items are alike.

    Raises: UserError where sizes do not fit, no item is warm, or h is not above 0.

    Example:
        >>> from sgl_rec.types import Embeddings
        >>> user = torch.tensor([[1.0, 0.0]])
        >>> warm = Embeddings(user, torch.tensor([[4.0, 0.0], [2.0, 0.0], [1.0, 0.0]]))
        >>> place = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
        >>> cold = torch.tensor([False, False, False, True])
        >>> scorer = PlacedItems(warm, user=user, place=place, popularity=torch.zeros(4), cold=cold)
        >>> scorer.scores(torch.tensor([0]))
        tensor([[4., 2., 1., 2.]])

    Reference: our own. That a cold item is scored from content in the recommender's space: Volkovs et al.,
        "DropoutNet" (NeurIPS 2017); by contrast of content and collaborative embeddings: Wei et al.,
        "Contrastive Learning for Cold-Start Recommendation" (MM 2021, arXiv:2107.05315).
    """

    def __init__(
        self,
        first: Scorer,
        *,
        user: Float[Tensor, "U D"],
        place: Float[Tensor, "J D"],
        popularity: Float[Tensor, " J"],
        cold: Bool[Tensor, " J"],
        warm: Bool[Tensor, " J"] | None = None,
        weight: float = 0.0,
        handicap: float = 1.0,
    ) -> None:
        known, number = first.num_items, len(place)
        if len(user) != first.num_users or number < known or not len(popularity) == len(cold) == number:
            got = (len(user), number, len(popularity), len(cold))
            raise must_be("PlacedItems", "(users, places, popularities, marks)", "of the scorer's sizes", got)
        warm = ~cold if warm is None else warm & ~cold
        if not bool(cold[known:].all()) or not bool(warm.any()):
            raise must_be("PlacedItems", "cold", "every item the scorer lacks, and not all", int(cold.sum()))
        if not 0 < handicap < float("inf"):
            raise must_be("PlacedItems", "handicap", "finite and above 0", handicap)
        self.first, self._cold, self._warm, self._handicap = first, cold, warm, handicap
        self._user, self._place = normalize(user, dim=1), normalize(place, dim=1)
        deviation, mean = torch.std_mean(popularity[warm], correction=0)
        self._prior = weight * (popularity - mean) / deviation.clamp(min=1e-6)

    @property
    def num_users(self) -> int:
        return self.first.num_users

    @property
    def num_items(self) -> int:
        return len(self._place)

    def scores(self, users: Int[Tensor, " B"]) -> Float[Tensor, "B J"]:
        """The scores of all items for a block of users, a new tensor."""
        warm, scores = self._warm, self.first.scores(users)
        content = self._user[users] @ self._place.T
        deviation, mean = torch.std_mean(content[:, warm], dim=1, keepdim=True, correction=0)
        content = ((content - mean) / deviation.clamp(min=1e-6)).add_(self._prior)
        most = min(MOST_PLACES, int(warm.sum()))
        known = scores[:, warm[: scores.shape[1]]].topk(most, dim=1).values.float()
        place = _place_among(content[:, self._cold], content[:, warm].topk(most, dim=1).values)
        placed = _value_at(known, self._handicap * place)
        if scores.shape[1] < self.num_items:
            scores = torch.cat([scores, scores.new_zeros(len(scores), self.num_items - scores.shape[1])], dim=1)
        scores[:, self._cold] = placed.to(scores.dtype)
        return scores


def _place_among(values: Float[Tensor, "B C"], others: Float[Tensor, "B K"]) -> Float[Tensor, "B C"]:
    """The place, from 1 on, of each value in a row of descending others; between two of them a share of a place.

    Above the first it falls towards 0 and behind the last it grows, by units of the others' deviation.
    """
    rising = others.flip(1).contiguous()
    behind = others.shape[1] - torch.searchsorted(
        rising, values.contiguous(), right=True
    )  # how many are above it
    unit = others.std(dim=1, keepdim=True, correction=0).clamp(min=1e-6)
    above = others.gather(1, (behind - 1).clamp(min=0))
    below = others.gather(1, behind.clamp(max=others.shape[1] - 1))
    share = ((above - values) / (above - below).clamp(min=1e-12)).clamp(0, 1)
    place = behind + share
    place = torch.where(behind == 0, torch.exp(-(values - others[:, :1]) / unit), place)
    beyond = others.shape[1] * (1 + (others[:, -1:] - values) / unit)
    return torch.where(behind == others.shape[1], beyond, place)


def _value_at(others: Float[Tensor, "B K"], place: Float[Tensor, "B C"]) -> Float[Tensor, "B C"]:
    """The other way round: what stands at a place of a row of descending others."""
    last = others.shape[1]
    unit = others.std(dim=1, keepdim=True, correction=0).clamp(min=1e-6)
    before = place.floor().clamp(1, last).long()
    share = (place - before).clamp(0, 1)
    here, after = others.gather(1, before - 1), others.gather(1, before.clamp(max=last - 1))
    value = here + share * (after - here)
    value = torch.where(place < 1, others[:, :1] + (1 - place) * unit, value)
    return torch.where(place > last, others[:, -1:] - (place / last - 1) * unit, value)
