from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.views.images.affine import affine, warp
from tests.reference import image_views as reference

STILL: dict[str, Any] = {
    "degrees": 0.0, "shear": 0.0, "min_scale": 1.0, "max_scale": 1.0, "stretch": 1.0, "shift": 0.0,
}  # fmt: skip


def test_every_pixel_comes_from_where_it_was() -> None:
    draw = torch.Generator().manual_seed(0)
    image = torch.rand(4, 2, 6, 7, dtype=torch.float64, generator=draw)
    matrix = torch.eye(2) + 0.4 * torch.rand(4, 2, 2, dtype=torch.float64, generator=draw)
    shift = torch.tensor([[0.0, 0.0], [1.0, -2.0], [0.3, 0.7], [-3.1, 0.2]], dtype=torch.float64)
    got = warp(image, matrix, shift)
    for index in range(4):
        expected = reference.warp(image[index].numpy(), matrix[index].numpy(), tuple(shift[index].tolist()))
        np.testing.assert_allclose(got[index].numpy(), expected, atol=1e-9)


def places(side: int = 41, count: int = 500, **arguments: float) -> tuple[Tensor, Tensor]:
    """Where a point right of the middle, and one above it, come to be: (count, 2), right and up of the middle."""
    found = []
    for point in ((side // 2, side // 2 + 10), (side // 2 - 10, side // 2)):
        image = torch.zeros(1, 1, side, side)
        image[0, 0, point[0] - 1 : point[0] + 2, point[1] - 1 : point[1] + 2] = 1
        view = affine(
            image.expand(count, -1, -1, -1),
            **{**STILL, **arguments},
            generator=torch.Generator().manual_seed(3),
        )
        mass = view[:, 0] / view[:, 0].sum((1, 2), keepdim=True)
        line = torch.arange(side) - side // 2
        found.append(torch.stack([(mass.sum(1) * line).sum(1), -(mass.sum(2) * line).sum(1)], 1))
    return found[0], found[1]


def test_it_is_turned() -> None:
    right, up = places(degrees=30.0)
    angle = torch.atan2(right[:, 1], right[:, 0]).rad2deg()
    torch.testing.assert_close(torch.atan2(up[:, 1], up[:, 0]).rad2deg() - 90, angle, atol=0.5, rtol=0)
    assert -30.5 < angle.min() < -28
    assert 28 < angle.max() < 30.5


def test_uprights_lean_and_lines_stay() -> None:
    right, up = places(shear=30.0)
    torch.testing.assert_close(right, torch.tensor([10.0, 0.0]).expand_as(right), atol=0.05, rtol=0)
    lean = (up[:, 0] / up[:, 1]).atan().rad2deg()
    assert -30.5 < lean.min() < -28
    assert 28 < lean.max() < 30.5


def test_it_grows_and_shrinks_in_both_directions() -> None:
    right, up = places(min_scale=0.5, max_scale=1.5)
    torch.testing.assert_close(right[:, 0], up[:, 1], atol=0.05, rtol=0)
    assert 4.95 < right[:, 0].min() < 5.3
    assert 14.5 < right[:, 0].max() < 15.05


def test_a_stretch_keeps_the_area() -> None:
    right, up = places(stretch=1.44)
    torch.testing.assert_close(right[:, 0] * up[:, 1], torch.full((500,), 100.0), atol=1.5, rtol=0)
    ratio = (right[:, 0] / up[:, 1]).log()
    assert abs(ratio).max() < math.log(1.44) + 0.01
    assert ratio.min() < -0.34
    assert ratio.max() > 0.34


def test_it_is_moved() -> None:
    right, up = places(shift=0.1)
    moved = right - torch.tensor([10.0, 0.0])
    torch.testing.assert_close(up - torch.tensor([0.0, 10.0]), moved, atol=0.01, rtol=0)
    assert (moved.abs().max(0).values < 4.11).all()
    assert (moved.amin(0) < -3.9).all()
    assert (moved.amax(0) > 3.9).all()
    assert abs(torch.corrcoef(moved.T)[0, 1]) < 0.15, "each direction by itself"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"degrees": 200.0}, r"affine: degrees must be in \[0, 180\], got 200"),
        ({"shear": 90.0}, r"shear must be in \[0, 80\]"),
        ({"stretch": 0.5}, r"stretch must be in \[1, 10\]"),
        ({"shift": float("nan")}, r"shift must be in \[0, 1\], got nan"),
        ({"min_scale": 2.0}, "min_scale and max_scale must be in order"),
    ],
)
def test_values_out_of_range(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        affine(torch.ones(1, 1, 4, 4), **arguments, generator=torch.Generator())
