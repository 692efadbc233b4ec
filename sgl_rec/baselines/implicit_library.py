"""What the two baselines of the library ``implicit`` share: its threads, its errors, and what comes back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from sgl_rec.errors import UserError
from sgl_rec.extras import needed
from sgl_rec.rng import draw_key
from sgl_rec.types import Embeddings


def seed_of(generator: torch.Generator) -> int:
    """A seed as the library takes it."""
    return draw_key(generator) % 2**32


@contextlib.contextmanager
def fitting(where: str) -> Iterator[None]:
    """Within, products use one thread (the library has threads of its own), and its errors become ours."""
    diverged = needed(where, "implicit.recommender_base").ModelFitError
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            yield
        except diverged as error:
            raise UserError(
                f"{where}: factors must be finite, got others; lower learning_rate or raise l2_weight"
            ) from error


def as_embeddings(user: np.ndarray, item: np.ndarray) -> Embeddings:
    """The library's factors as ours, float32."""
    tables = (torch.from_numpy(np.ascontiguousarray(side, np.float32)) for side in (user, item))
    return Embeddings(*tables)
