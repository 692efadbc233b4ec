"""Whether clusters of embeddings are the classes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.evaluation.probes.inputs import as_array, check_labelled, unit
from sgl_rec.extras import needed
from sgl_rec.rng import draw_key


def clustering(
    embedding: Float[Tensor, "B D"],
    label: Int[Tensor, " L"],
    *,
    num_clusters: int | None = None,
    num_starts: int = 10,
    generator: torch.Generator,
) -> dict[str, float]:
    r"""K-means of the rows at unit length, and how much its clusters and the classes say of each other.

    .. math:: \mathrm{NMI}(u, v) = \frac{2\, I(u, v)}{H(u) + H(v)}

    Args:
        num_clusters: 1 .. B; None stands for the number of classes.
        num_starts: of k-means++, at least 1; the one with the least squared distances counts.

    Returns: ``nmi``: 0 (they say nothing of each other) to 1 (they are the same but for names). Random clusters
        come out above 0, the more so the smaller they are.

    Raises: UserError for a table that is not finite or of another length than its labels, and values out of
        range; MissingDependencyError without scikit-learn.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [0.0, 5.0]])
        >>> clustering(rows, torch.tensor([3, 3, 5, 5]), generator=torch.Generator())
        {'nmi': 1.0}

    Reference: Strehl and Ghosh 2002, with the arithmetic mean of the entropies.
    """
    check_labelled("clustering", "embedding", embedding, label)
    number = len(torch.unique(label)) if num_clusters is None else num_clusters
    if not 1 <= number <= len(embedding):
        raise must_be("clustering", "num_clusters", f"in 1 .. {len(embedding)}, the number of rows", number)
    if num_starts < 1:
        raise must_be("clustering", "num_starts", "at least 1", num_starts)
    means = needed("clustering", "sklearn.cluster").KMeans(
        number, n_init=num_starts, random_state=draw_key(generator) % 2**32
    )
    cluster = means.fit_predict(as_array(unit(embedding)))
    score = needed("clustering", "sklearn.metrics").normalized_mutual_info_score(as_array(label), cluster)
    return {"nmi": float(score)}
