from __future__ import annotations

from typing import Any

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.rng import draw_key
from sgl_rec.views.graph_level.mask_attributes import mask_attributes
from tests.reference import graph_level_views as reference
from tests.views.graph_level.conftest import graphs_of, random_batch


@pytest.mark.parametrize("mask_rate", [0.0, 0.2, 0.7])
def test_equals_the_loops(batch: Any, mask_rate: float) -> None:
    view = mask_attributes(batch, mask_rate=mask_rate, generator=torch.Generator().manual_seed(4))
    key = draw_key(torch.Generator().manual_seed(4))
    masked = reference.masked_nodes(graphs_of(batch), key=key, mask_rate=mask_rate)
    changed = (view.x != batch.x).any(dim=1).nonzero().squeeze(1).tolist()
    assert changed == masked
    assert torch.equal(view.edge_index, batch.edge_index)


def test_the_noise_has_the_mean_and_deviation_asked_for() -> None:
    batch = random_batch([200] * 20, density=0.01)
    generator = torch.Generator().manual_seed(0)
    view = mask_attributes(batch, mask_rate=0.5, mean=-2.0, std=0.25, generator=generator)
    noise = view.x[(view.x != batch.x).any(dim=1)]
    assert noise.shape == (2000, 3)
    assert noise.mean() == pytest.approx(-2, abs=0.02)
    assert noise.std() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": float("inf")}, "mean must be finite, got inf"),
        ({"std": -0.5}, "std must be finite and at least 0, got -0.5"),
        ({"std": float("nan")}, "std must be finite and at least 0, got nan"),
    ],
)
def test_refuses(batch: Any, change: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=f"mask_attributes: {message}"):
        mask_attributes(batch, **change, generator=torch.Generator())


def test_features_that_are_no_numbers_to_mask(batch: Any) -> None:
    batch.x = batch.x.long()
    with pytest.raises(UserError, match=r"x of the batch must be float features, got torch.int64"):
        mask_attributes(batch, generator=torch.Generator())
    del batch.x
    with pytest.raises(UserError, match="got None; give every node features"):
        mask_attributes(batch, generator=torch.Generator())
