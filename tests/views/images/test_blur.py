from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images.blur import blur
from tests.reference import image_views as reference


@pytest.mark.parametrize(("sigma", "reach"), [(0.7, (3, 3)), (1.5, (5, 5)), (4.0, (7, 9))])
def test_a_gaussian_mean(sigma: float, reach: tuple[int, int]) -> None:
    # 3 sigma rounded up, and no more than the mirror can show.
    image = torch.rand(1, 2, 8, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = blur(image, min_sigma=sigma, max_sigma=sigma, probability=1.0, generator=torch.Generator())
    np.testing.assert_allclose(got[0].numpy(), reference.blur(image[0].numpy(), sigma, reach), atol=1e-9)


def test_each_image_has_a_width_of_its_own_and_keeps_its_sum() -> None:
    point = torch.zeros(50, 1, 21, 21)
    point[:, 0, 10, 10] = 1.0
    blurred = blur(point, probability=1.0, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(blurred.sum((1, 2, 3)), torch.ones(50))
    assert blurred.amax((1, 2, 3)).max() > 0.9
    assert blurred.amax((1, 2, 3)).min() < 0.1


def test_values_out_of_range() -> None:
    with pytest.raises(UserError, match=r"blur: min_sigma and max_sigma must be in order, at least 0\.01"):
        blur(torch.ones(1, 1, 4, 4), min_sigma=0.0, generator=torch.Generator())
