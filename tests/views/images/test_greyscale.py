from __future__ import annotations

import numpy as np
import torch

from sgl_rec.views.images.greyscale import greyscale
from tests.reference import image_views as reference


def test_all_three_channels_are_the_luma() -> None:
    image = torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = greyscale(image, probability=1.0, generator=torch.Generator())
    for one, grey in zip(image.numpy(), got.numpy(), strict=True):
        np.testing.assert_allclose(grey, np.stack([reference.luma(one)] * 3), atol=1e-12)


def test_a_grey_image_is_grey() -> None:
    image = torch.rand(2, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(greyscale(image, probability=1.0, generator=torch.Generator()), image)
