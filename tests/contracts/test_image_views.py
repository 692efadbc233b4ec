"""What every registered view of images must hold; a new one is tested by being listed in IMAGE_VIEWS."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.views.images import IMAGE_VIEWS
from sgl_rec.views.images.chosen import ImageView

# A value for each argument that shall not stand at its default here.
VALUES: dict[str, Any] = {"probability": 0.7, "vertical": 0.5, "degrees": 90.0}
OF_COLOUR = {"colour_jitter", "greyscale"}
"""Views that know what the channels are."""


def view_named(name: str) -> ImageView:
    parameters = inspect.signature(IMAGE_VIEWS[name]).parameters
    return partial(IMAGE_VIEWS[name], **{key: VALUES[key] for key in parameters if key in VALUES})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(num_channels: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.rand(16, num_channels, 12, 10, generator=generator(5)).to(dtype)


@pytest.mark.parametrize("name", IMAGE_VIEWS.names())
@pytest.mark.parametrize("num_channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_same_shape_and_type_within_the_same_bounds(name: str, num_channels: int, dtype: torch.dtype) -> None:
    before = images(num_channels, dtype)
    view = view_named(name)(before, generator=generator())
    assert (view.shape, view.dtype) == (before.shape, before.dtype)
    assert ((view.float() > -1e-6) & (view.float() < 1 + 1e-6)).all()
    assert torch.equal(before, images(num_channels, dtype)), "the images are left alone"


@pytest.mark.parametrize("name", IMAGE_VIEWS.names())
def test_the_generator_decides(name: str) -> None:
    view, stream = view_named(name), generator()
    first, second, again = (view(images(), generator=one) for one in (stream, stream, generator()))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", IMAGE_VIEWS.names())
def test_global_generators_are_left_alone(name: str) -> None:
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    view_named(name)(images(), generator=generator())
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpy_state).all()


@pytest.mark.parametrize("name", IMAGE_VIEWS.names())
def test_every_image_draws_for_itself(name: str) -> None:
    alike = images()[:1].expand(16, -1, -1, -1)
    view = view_named(name)(alike, generator=generator())
    assert len(view.unique(dim=0)) > 1


@pytest.mark.parametrize("name", IMAGE_VIEWS.names())
@pytest.mark.parametrize("shape", [(0, 3, 8, 8), (1, 3, 8, 8), (2, 3, 1, 1), (2, 1, 1, 5)])
def test_few_images_and_small_ones(name: str, shape: tuple[int, ...]) -> None:
    before = torch.rand(shape, generator=generator())
    view = view_named(name)(before, generator=generator())
    assert view.shape == before.shape
    assert torch.isfinite(view).all()


@pytest.mark.parametrize("name", IMAGE_VIEWS.names())
def test_other_numbers_of_channels_work_or_are_refused_by_name(name: str) -> None:
    if name in OF_COLOUR:
        with pytest.raises(
            UserError, match=rf"{name}: images must be of 1 channel \(grey\) or 3 .*, got 5 channels"
        ):
            view_named(name)(images(5), generator=generator())
    else:
        assert view_named(name)(images(5), generator=generator()).shape == images(5).shape


@pytest.mark.parametrize("name", [name for name in IMAGE_VIEWS.names() if name not in ("resized_crop", "flip")])
def test_a_probability_of_0_is_the_identity_and_others_are_refused(name: str) -> None:
    assert torch.equal(IMAGE_VIEWS[name](images(), probability=0.0, generator=generator()), images())
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match=rf"{name}: probability must be in \[0, 1\], got {value}"):
            IMAGE_VIEWS[name](images(), probability=value, generator=generator())
