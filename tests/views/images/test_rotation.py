from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images.rotation import rotate, rotation
from tests.reference import image_views as reference


def test_every_pixel_comes_from_where_it_was() -> None:
    image = torch.rand(4, 2, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    degrees = torch.tensor([0.0, 33.0, -90.0, 171.0], dtype=torch.float64)
    got = rotate(image, degrees, padding="zeros")
    for index, angle in enumerate(degrees.tolist()):
        expected = reference.rotate(image[index].numpy(), angle)
        np.testing.assert_allclose(got[index].numpy(), expected, atol=1e-9)


def test_what_comes_in_at_the_corners() -> None:
    white = torch.ones(8, 1, 9, 9)
    for padding in ("border", "reflection"):
        turned = rotation(white, degrees=45.0, padding=padding, generator=torch.Generator())
        torch.testing.assert_close(turned, white)
    assert rotation(white, degrees=45.0, generator=torch.Generator()).amin() < 0.5


def test_angles_go_both_ways_and_no_further() -> None:
    ramp = torch.arange(-10.0, 11.0).expand(300, 1, 21, 21)
    turned = rotation(ramp, degrees=20.0, generator=torch.Generator().manual_seed(0))
    # Near the middle a ramp stays a ramp, turned: its slope downwards is the sine.
    sine = (turned[:, 0, 12, 10] - turned[:, 0, 8, 10]) / 4
    degrees = sine.asin().rad2deg()
    assert -20.01 < degrees.min() < -19
    assert 19 < degrees.max() < 20.01


def test_values_out_of_range() -> None:
    with pytest.raises(UserError, match=r"rotation: degrees must be in \[0, 180\], got 200"):
        rotation(torch.ones(1, 1, 2, 2), degrees=200.0, generator=torch.Generator())
    with pytest.raises(UserError, match="rotation: padding must be 'zeros', 'border' or 'reflection'"):
        inspect.unwrap(rotation)(torch.ones(1, 1, 2, 2), padding="white", generator=torch.Generator())
