from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images.cutout import cutout


def test_a_square_is_covered() -> None:
    image = torch.full((500, 2, 16, 20), 0.25)
    covered = cutout(image, side=0.25, fill=1.0, probability=1.0, generator=torch.Generator().manual_seed(0)) == 1
    assert torch.equal(covered[:, 0], covered[:, 1]), "all channels alike"
    rows, columns = covered[:, 0].any(2).sum(1), covered[:, 0].any(1).sum(1)
    assert torch.equal(covered[:, 0].sum((1, 2)), rows * columns), "one box"
    # Four pixels wide, and cut where its middle is nearer than two pixels to the edge.
    assert (rows.max(), columns.max()) == (4, 4)
    assert rows.min() >= 2
    assert (rows == 4).float().mean() > 0.7


def test_the_rest_is_as_it_was() -> None:
    image = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + 1
    covered = cutout(image, probability=1.0, generator=torch.Generator())
    assert torch.equal(covered[covered > 0], image[covered > 0])
    assert torch.equal(cutout(image, side=0.0, probability=1.0, generator=torch.Generator()), image)


@pytest.mark.parametrize("name", ["side", "fill"])
def test_values_out_of_range(name: str) -> None:
    with pytest.raises(UserError, match=rf"cutout: {name} must be in \[0, 1\], got 1\.5"):
        cutout(torch.ones(1, 1, 2, 2), **{name: 1.5}, generator=torch.Generator())
