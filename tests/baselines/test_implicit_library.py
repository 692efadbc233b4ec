"""The library keeps its threads and errors to itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.baselines.implicit_library import as_embeddings, fitting, seed_of
from sgl_rec.errors import UserError
from sgl_rec.extras import needed


def test_factors_that_ran_away_are_our_error() -> None:
    diverged = needed("here", "implicit.recommender_base").ModelFitError
    with pytest.raises(UserError, match="here: factors must be finite"), fitting("here"):
        raise diverged("NaN encountered in factors")


def test_seeds_and_tables() -> None:
    generator = torch.Generator().manual_seed(0)
    assert 0 <= seed_of(generator) < 2**32
    assert seed_of(generator) != seed_of(generator)
    tables = as_embeddings(np.ones((2, 3)), np.zeros((4, 3), np.float32))
    assert (tables.user.dtype, tables.item.dtype) == (torch.float32, torch.float32)
    assert (tables.num_users, tables.num_items) == (2, 4)
