from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images.flip import flip


def test_both_ways_is_half_a_turn() -> None:
    image = torch.arange(12.0).reshape(1, 2, 2, 3)
    turned = flip(image, horizontal=1.0, vertical=1.0, generator=torch.Generator())
    assert turned.tolist() == torch.rot90(image, 2, dims=(2, 3)).tolist()


def test_half_of_them() -> None:
    image = torch.tensor([0.0, 1.0]).expand(2000, 1, 1, 2)
    turned = flip(image, generator=torch.Generator().manual_seed(0))
    assert 900 < turned[:, 0, 0, 0].sum() < 1100


@pytest.mark.parametrize("name", ["horizontal", "vertical"])
def test_a_probability_that_is_none(name: str) -> None:
    with pytest.raises(UserError, match=rf"flip: {name} must be in \[0, 1\], got 2"):
        flip(torch.ones(1, 1, 2, 2), **{name: 2.0}, generator=torch.Generator())
