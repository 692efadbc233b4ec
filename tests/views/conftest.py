from __future__ import annotations

import numpy as np
import pytest

from sgl_rec.graph.build import build_graph
from sgl_rec.types import Graph, Interactions


@pytest.fixture(params=[(0.5, 0.5), (1.0, 0.25)], ids=["symmetric", "skew"])
def graph(request: pytest.FixtureRequest) -> Graph:
    """40 users, 70 items, 600 interactions or so; the last of both have none."""
    keys = np.unique(np.random.default_rng(0).integers(0, 35 * 60, 600))
    return build_graph(Interactions(keys // 60, keys % 60, 40, 70), exponents=request.param)
