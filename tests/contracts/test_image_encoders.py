"""What every registered encoder of images must hold; a new one is tested by being listed in IMAGE_ENCODERS."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.encoders.vision import IMAGE_ENCODERS
from sgl_rec.errors import UserError

# Arguments that make a small one, or one that needs no package beside the extra.
SMALL: dict[str, dict[str, Any]] = {
    "small_conv": {"width": 4},
    "transformers": {"settings": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1]}},
    "efficientnet_lite0": {"pretrained": False},
}


def encoder(name: str, num_channels: int = 3, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    made = IMAGE_ENCODERS[name](num_channels, 32, **SMALL.get(name, {}), generator=generator)
    assert isinstance(made, nn.Module)
    return made


def images(num_channels: int = 3) -> Tensor:
    return torch.rand(4, num_channels, 32, 32, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", IMAGE_ENCODERS.names())
@pytest.mark.parametrize("num_channels", [1, 3])
def test_a_finite_row_an_image_as_wide_as_it_says(name: str, num_channels: int) -> None:
    model = encoder(name, num_channels)
    rows = model(images(num_channels))
    assert rows.shape == (4, model.embedding_dim)
    assert rows.dtype == torch.float32
    assert torch.isfinite(rows).all()
    assert len(rows.detach().unique(dim=0)) == 4


@pytest.mark.parametrize("name", IMAGE_ENCODERS.names())
def test_the_generator_decides(name: str) -> None:
    state = torch.get_rng_state()
    first, again, other = (encoder(name, seed=seed).eval()(images()) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", IMAGE_ENCODERS.names())
def test_every_parameter_has_a_finite_gradient(name: str) -> None:
    model = encoder(name).train()
    model(images()).square().sum().backward()
    for label, parameter in model.named_parameters():
        assert parameter.grad is not None, label
        assert torch.isfinite(parameter.grad).all(), label


@pytest.mark.parametrize("name", IMAGE_ENCODERS.names())
def test_an_image_is_alone_when_it_is_measured(name: str) -> None:
    model = encoder(name).eval()
    torch.testing.assert_close(model(images())[2:3], model(images()[2:3]), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", IMAGE_ENCODERS.names())
def test_a_state_dict_brings_it_back(name: str) -> None:
    model, other = encoder(name, seed=0).eval(), encoder(name, seed=1).eval()
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(images()), other(images()))


@pytest.mark.parametrize("name", IMAGE_ENCODERS.names())
def test_refuses_images_of_other_channels_and_sizes_of_nothing(name: str) -> None:
    with pytest.raises(UserError, match="channels of the images must be 3, got 1"):
        encoder(name)(images(1))
    with pytest.raises(UserError, match="num_channels must be"):
        encoder(name, 0)
