from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.images import colour_jitter as module
from sgl_rec.views.images.colour_jitter import colour_jitter
from tests.reference import image_views as reference


@pytest.mark.parametrize("change", ["brighten", "stretch", "saturate", "turn_hue"])
def test_each_change_is_the_loop(change: str) -> None:
    image = torch.rand(3, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    factor = torch.tensor([0.0, 0.4, 1.3] if change != "turn_hue" else [0.0, 0.3, -0.4], dtype=torch.float64)
    got = getattr(module, change)(image, factor)
    for index, by in enumerate(factor.tolist()):
        expected = getattr(reference, change)(image[index].numpy(), by)
        np.testing.assert_allclose(got[index].numpy(), expected, atol=1e-6)


def test_a_grey_image_is_stretched_about_its_mean() -> None:
    image = torch.rand(1, 1, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    got = module.stretch(image, torch.tensor([0.5], dtype=torch.float64))
    np.testing.assert_allclose(got[0].numpy(), reference.stretch(image[0].numpy(), 0.5), atol=1e-9)


def test_grey_in_one_channel_changes_as_in_three() -> None:
    grey = torch.rand(6, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    one, three = (
        colour_jitter(image, generator=torch.Generator()) for image in (grey, grey.expand(-1, 3, -1, -1))
    )
    torch.testing.assert_close(one.expand(-1, 3, -1, -1), three, atol=2e-6, rtol=0)


def test_factors_stay_within_what_was_asked() -> None:
    image = torch.full((2000, 1, 1, 1), 0.5)
    jittered = colour_jitter(
        image, brightness=0.6, contrast=0.0, probability=1.0, generator=torch.Generator().manual_seed(0)
    )
    assert 0.2 <= jittered.min() < 0.21
    assert 0.79 < jittered.max() <= 0.8


def test_the_order_differs_from_batch_to_batch() -> None:
    # 0.6 times 2 is cut to 1; stretched to the mean first, it is not.
    image = torch.tensor([0.0, 0.9]).reshape(1, 1, 1, 2)
    stream = torch.Generator().manual_seed(0)
    found = set()
    for _ in range(40):
        jittered = colour_jitter(image, brightness=0.9, contrast=0.9, probability=1.0, generator=stream)
        found.add(bool(jittered.max() == 1))
    assert found == {True, False}


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
@pytest.mark.parametrize("value", [-0.1, float("inf")])
def test_values_out_of_range(name: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"colour_jitter: {name} must be"):
        colour_jitter(torch.ones(1, 3, 2, 2), **{name: value}, generator=torch.Generator())
