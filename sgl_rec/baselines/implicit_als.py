"""iALS: weighted least squares on every pair of user and item, by the library ``implicit``."""

from __future__ import annotations

import torch

from sgl_rec.baselines.implicit_library import as_embeddings, fitting, seed_of
from sgl_rec.baselines.matrix import at_least, interaction_matrix
from sgl_rec.extras import needed
from sgl_rec.types import Embeddings, Interactions


def implicit_als(
    interactions: Interactions,
    *,
    embedding_dim: int = 64,
    l2_weight: float = 0.01,
    confidence: float = 1.0,
    num_iterations: int = 15,
    generator: torch.Generator,
) -> Embeddings:
    r"""Factors that come near 1 for what was touched and 0 for all else, the former weighted by ``confidence``.

    .. math:: \min_{x, y} \sum_{u, i} c_{ui} (r_{ui} - x_u^\top y_i)^2
        + \text{l2\_weight} \Big(\sum_u |x_u|^2 + \sum_i |y_i|^2\Big),\quad
        c_{ui} = \text{confidence if } r_{ui} = 1 \text{ else } 1

    Users and items in turn, each by three steps of conjugate gradients. The bits depend on the seed alone, not on
    the number of threads.

    Args:
        embedding_dim, num_iterations: at least 1.
        l2_weight: at least 0.
        confidence: at least 1.
        generator: what the start is drawn with.

    Raises: MissingDependencyError without ``implicit``; UserError for an argument out of range.

    Reference: Hu, Koren, Volinsky 2008, eq. 3; the solver is that of Takacs, Pilaszy, Tikk 2011.
    """
    at_least("implicit_als", "embedding_dim", embedding_dim, 1)
    at_least("implicit_als", "num_iterations", num_iterations, 1)
    at_least("implicit_als", "l2_weight", l2_weight, 0)
    at_least("implicit_als", "confidence", confidence, 1)
    with fitting("implicit_als"):
        model = needed("implicit_als", "implicit.cpu.als").AlternatingLeastSquares(
            factors=embedding_dim,
            regularization=l2_weight,
            alpha=confidence,
            iterations=num_iterations,
            num_threads=torch.get_num_threads(),
            random_state=seed_of(generator),
        )
        model.fit(interaction_matrix(interactions), show_progress=False)
    return as_embeddings(model.user_factors, model.item_factors)
