from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images import IMAGE_VIEWS
from sgl_rec.views.images.chosen import image_view


def test_one_after_the_other_with_one_generator() -> None:
    image = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    stream = torch.Generator().manual_seed(1)
    expected = IMAGE_VIEWS["rotation"](image, degrees=40.0, generator=stream)
    expected = IMAGE_VIEWS["cutout"](expected, generator=stream)
    chosen = image_view([{"name": "rotation", "degrees": 40.0}, {"name": "cutout"}])
    assert torch.equal(chosen(image, generator=torch.Generator().manual_seed(1)), expected)


def test_none_is_the_identity() -> None:
    image = torch.ones(1, 1, 2, 2)
    assert image_view([])(image, generator=torch.Generator()) is image


def test_all_of_them() -> None:
    image = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    view = image_view([{"name": name} for name in IMAGE_VIEWS.names()])(image, generator=torch.Generator())
    assert view.shape == image.shape


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"name": "flipp"}, "image view: name must be a known image view, got 'flipp'; did you mean 'flip'?"),
        (
            {"name": "blur", "max_sigm": 1.0},
            "image view 'blur': its keys must be its arguments, got 'max_sigm'; did",
        ),
        ({"name": "blur", "generator": 1}, "got 'generator'"),
        ({"degrees": 3}, "image view 1: name must be given, got None; say which view it is"),
    ],
)
def test_what_is_not_known(part: dict[str, object], message: str) -> None:
    with pytest.raises(UserError) as caught:
        image_view([part])
    assert message in str(caught.value)
