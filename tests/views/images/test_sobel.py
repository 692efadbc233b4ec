from __future__ import annotations

import numpy as np
import torch

from sgl_rec.views.images.sobel import sobel
from tests.reference import image_views as reference


def test_the_length_of_the_gradient() -> None:
    image = torch.rand(2, 3, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = sobel(image, probability=1.0, generator=torch.Generator())
    for one, edges in zip(image.numpy(), got.numpy(), strict=True):
        np.testing.assert_allclose(edges, reference.sobel(one), atol=1e-6)


def test_an_even_image_has_no_edges_and_a_finite_gradient() -> None:
    image = torch.ones(1, 1, 4, 4, requires_grad=True)
    edges = sobel(image, probability=1.0, generator=torch.Generator())
    assert edges.max() < 1e-5
    edges.sum().backward()
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()
