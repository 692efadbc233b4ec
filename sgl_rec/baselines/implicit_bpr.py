"""MF-BPR: matrix factorisation with a pairwise loss, by the library ``implicit``."""

from __future__ import annotations

import torch

from sgl_rec.baselines.implicit_library import as_embeddings, fitting, seed_of
from sgl_rec.baselines.matrix import at_least, interaction_matrix
from sgl_rec.errors import must_be
from sgl_rec.extras import needed
from sgl_rec.types import Embeddings, Interactions


def implicit_bpr(
    interactions: Interactions,
    *,
    embedding_dim: int = 64,
    learning_rate: float = 0.05,
    l2_weight: float = 0.01,
    num_epochs: int = 100,
    generator: torch.Generator,
) -> Embeddings:
    r"""Factors and item biases by stochastic gradient steps on single triples.

    .. math:: \min \sum_{(u, i, j)} -\log \sigma(x_u^\top (y_i - y_j) + b_i - b_j)
        + \tfrac{\text{l2\_weight}}{2} (|x_u|^2 + |y_i|^2 + |y_j|^2 + b_i^2 + b_j^2)

    An epoch draws as many interactions (u, i) as there are, and for each another one's item j: negatives by
    popularity, those the user has touched passed over. The tables have a last column for the bias (1 for users).
    One thread: with several the library's updates race, and no run is like another.

    Args:
        embedding_dim, num_epochs: at least 1.
        learning_rate: above 0.
        l2_weight: at least 0.
        generator: what the start and the triples are drawn with.

    Raises: MissingDependencyError without ``implicit``; UserError for an argument out of range and when the
        factors have run away.

    Reference: Rendle et al. 2009, LearnBPR. Different from it: negatives by popularity, not uniform.
    """
    at_least("implicit_bpr", "embedding_dim", embedding_dim, 1)
    at_least("implicit_bpr", "num_epochs", num_epochs, 1)
    at_least("implicit_bpr", "l2_weight", l2_weight, 0)
    if not learning_rate > 0:
        raise must_be("implicit_bpr", "learning_rate", "above 0", learning_rate)
    with fitting("implicit_bpr"):
        model = needed("implicit_bpr", "implicit.cpu.bpr").BayesianPersonalizedRanking(
            factors=embedding_dim,
            learning_rate=learning_rate,
            regularization=l2_weight,
            iterations=num_epochs,
            num_threads=1,
            random_state=seed_of(generator),
        )
        if len(interactions):
            model.fit(interaction_matrix(interactions), show_progress=False)
        else:  # nothing to draw from
            shape = (interactions.num_users, embedding_dim + 1), (interactions.num_items, embedding_dim + 1)
            return Embeddings(torch.zeros(shape[0]), torch.zeros(shape[1]))
    return as_embeddings(model.user_factors, model.item_factors)
