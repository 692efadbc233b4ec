"""What learnt embeddings score with: cosines or dot products at a temperature, and a prior of popularity."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from jaxtyping import Int64
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.types import Embeddings

Similarity: TypeAlias = Literal["dot", "cosine"]


def log_prior(
    embeddings: Embeddings,
    item_count: Int64[Tensor, " I"],
    *,
    similarity: Similarity = "cosine",
    temperature: float = 1.0,
    weight: float = 1.0,
) -> Embeddings:
    r"""The log-odds of an item for a user: how well they fit, and how often anybody touches it.

    .. math:: s(u, i) = \frac{\operatorname{sim}(u, i)}{\tau} + \alpha \log \max(1, n_i)

    A softmax over the items of the batch, which are drawn by popularity, learns
    :math:`\operatorname{sim} / \tau \approx \log p(i \mid u) - \log p(i)` up to a constant of the user; alpha 1
    puts back what was taken out. The result is embeddings with one column more, and so as fast as any.

    Args:
        item_count: n, training interactions of each item.
        similarity: ``cosine`` or ``dot``.
        temperature: tau, finite and > 0: the one it was trained with.
        weight: alpha, finite and at least 0; below 1 it is between the two.

    Raises: UserError for an unknown similarity, or a value out of range.

    Example:
        >>> table = Embeddings(torch.ones(1, 4), torch.ones(2, 4))
        >>> log_prior(table, torch.tensor([1, 10]), temperature=0.5).scores(torch.tensor([0]))  # 2 and 2 + log 10
        tensor([[2.0000, 4.3026]])

    Reference: Menon et al. 2021, "Long-tail learning via logit adjustment" (arXiv:2007.07314), eq. 9, with the
        opposite sign: there a prior that was learnt is taken out. What in-batch softmax takes out: Yi et al.
        2019, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", eq. 5.
    """
    if similarity not in get_args(Similarity):
        raise must_be("log_prior", "similarity", "'cosine' or 'dot'", repr(similarity))
    if not 0 < temperature < float("inf"):
        raise must_be("log_prior", "temperature", "finite and > 0", temperature)
    if not 0 <= weight < float("inf"):
        raise must_be("log_prior", "weight", "finite and at least 0", weight)
    user, item = embeddings.user, embeddings.item
    if similarity == "cosine":
        user, item = (torch.nn.functional.normalize(side, dim=1) for side in (user, item))
    prior = weight * item_count.to(item.device).clamp(min=1).to(item.dtype).log()
    return Embeddings(
        torch.cat([user / temperature, user.new_ones(len(user), 1)], dim=1),
        torch.cat([item, prior[:, None]], dim=1),
    )
