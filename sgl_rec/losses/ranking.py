"""Losses that set an item somebody has touched above one nobody knows about."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def bpr(
    user: Float[Tensor, "B D"], positive: Float[Tensor, "B D"], negative: Float[Tensor, "B D"]
) -> Float[Tensor, " B"]:
    r"""Bayesian personalised ranking: minus the log-probability that the positive item ranks above the negative.

    .. math:: \ell = -\log \sigma(s^+ - s^-) = \operatorname{softplus}(s^- - s^+),
        \quad s^\pm = \langle u, i^\pm \rangle

    Args:
        user, positive, negative: embedding rows of each training triple.

    Returns: nats per triple, log 2 at equal scores; the caller reduces.

    Example:
        >>> user = torch.tensor([[1.0, 0.0]])
        >>> bpr(user, torch.tensor([[2.0, 5.0]]), torch.tensor([[1.0, 7.0]]))  # softplus(1 - 2)
        tensor([0.3133])

    Reference: Rendle et al. 2009, "BPR: Bayesian Personalized Ranking from Implicit Feedback"
        (arXiv:1205.2618), section 4.1, the BPR-OPT criterion. Different: its regulariser is a term of its own
        (``l2``).
    """
    return torch.nn.functional.softplus((user * negative).sum(1) - (user * positive).sum(1))
