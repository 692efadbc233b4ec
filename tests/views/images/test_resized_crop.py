from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images.resized_crop import crop, resized_crop
from tests.reference import image_views as reference

BOXES = [(0.0, 0.0, 7.0, 6.0), (1.25, 0.5, 3.5, 4.0), (6.0, 5.0, 1.0, 1.0), (2.0, 0.0, 0.3, 6.0)]


@pytest.mark.parametrize("shape", [(6, 7), (3, 9), (1, 1)])
def test_the_box_is_brought_to_its_size(shape: tuple[int, int]) -> None:
    image = torch.rand(4, 2, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = crop(image, torch.tensor(BOXES, dtype=torch.float64), shape=shape)
    for index, box in enumerate(BOXES):
        np.testing.assert_allclose(
            got[index].numpy(), reference.crop(image[index].numpy(), box, shape), atol=1e-9
        )


def test_a_square_image_whole_is_itself() -> None:
    image = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    whole = resized_crop(
        image, min_scale=1.0, max_scale=1.0, min_ratio=1.0, max_ratio=1.0, generator=torch.Generator()
    )
    torch.testing.assert_close(whole, image, atol=1e-5, rtol=0)


def test_boxes_lie_within_the_image_and_are_as_large_as_asked() -> None:
    # On a ramp the extremes of what comes out say where the box was.
    ramp = torch.arange(100.0).expand(400, 1, 100, 100) + 0.5
    cut = resized_crop(
        ramp, min_scale=0.25, max_scale=0.25, min_ratio=1.0, max_ratio=1.0, generator=torch.Generator()
    )
    width = (cut.amax((1, 2, 3)) - cut.amin((1, 2, 3))) * 100 / 99
    torch.testing.assert_close(width, torch.full((400,), 50.0), atol=1.0, rtol=0)
    middle = cut.mean((1, 2, 3))
    assert 25 <= middle.min() < 27
    assert 73 < middle.max() <= 75
    assert abs(middle.mean() - 50) < 2


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("scale", {"min_scale": 0.0}),
        ("scale", {"max_scale": 1.1}),
        ("scale", {"min_scale": 0.9, "max_scale": 0.5}),
        ("ratio", {"min_ratio": 0.0}),
        ("ratio", {"max_ratio": float("inf")}),
    ],
)
def test_values_out_of_range(name: str, values: dict[str, float]) -> None:
    with pytest.raises(UserError, match=f"resized_crop: min_{name} and max_{name} must be in order"):
        resized_crop(torch.ones(1, 1, 4, 4), **values, generator=torch.Generator())


def test_a_size_of_nothing() -> None:
    with pytest.raises(UserError, match="resized_crop: size must be at least 1, got 0"):
        resized_crop(torch.ones(1, 1, 4, 4), size=0, generator=torch.Generator())
