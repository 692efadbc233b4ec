"""The noise that every backend of ``propagate`` draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.kernels.noise import layer_key, unit_noise
from sgl_rec.types import Noise
from tests.reference.propagation import unit_noise as reference


@pytest.mark.parametrize("key", [0, 2**63 + 5])
@pytest.mark.parametrize("width", [1, 6])
def test_equals_the_loop(key: int, width: int) -> None:
    for dtype, tolerance in ((torch.float64, 1e-15), (torch.float32, 2e-7)):
        drawn = unit_noise(layer_key(Noise(0.1, key), 2), 4, width, dtype=dtype)
        assert drawn.dtype == dtype
        np.testing.assert_allclose(drawn.numpy(), reference(key, 2, 4, width), rtol=tolerance)


def test_rows_have_length_1_and_no_zero() -> None:
    drawn = unit_noise(layer_key(Noise(0.1, 3), 1), 2000, 8, dtype=torch.float32)
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(2000))
    assert (drawn > 0).all()
    # Uniform draws of the positive orthant: all columns alike, E[u / |u|] near sqrt(3/4) / sqrt(8).
    torch.testing.assert_close(drawn.mean(0), torch.full((8,), 0.31), atol=0.012, rtol=0)


def test_layers_and_keys_differ() -> None:
    keys = {layer_key(Noise(0.1, key), layer) for key in (0, 1) for layer in (1, 2)}
    assert len(keys) == 4
