"""The baseline every table needs: recommend to everybody what most have touched."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.types import Interactions


class Popularity:
    r"""A Scorer whose score is the item's training degree, the same for every user.

    .. math:: s(u, i) = |\{v : (v, i) \in \text{train}\}|

    Scores are float32: exact up to 2^24 interactions of one item.

    Example:
        >>> import numpy as np
        >>> train = Interactions(np.array([0, 1, 1]), np.array([1, 1, 0]), num_users=2, num_items=3)
        >>> Popularity(train).scores(torch.tensor([0])).tolist()
        [[1.0, 2.0, 0.0]]
    """

    def __init__(self, interactions: Interactions) -> None:
        self._degree = torch.from_numpy(interactions.item_degree()).to(torch.float32)
        self._num_users = interactions.num_users

    @property
    def num_users(self) -> int:
        return self._num_users

    @property
    def num_items(self) -> int:
        return len(self._degree)

    def scores(self, users: Int[Tensor, " B"]) -> Float[Tensor, "B I"]:
        """The scores of all items for a block of users, a new tensor."""
        return self._degree.repeat(len(users), 1)
