from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from sgl_rec.encoders.vision.small_conv import SmallConv
from sgl_rec.errors import UserError


def encoder(**values: int) -> SmallConv:
    return SmallConv(1, 28, **values, generator=torch.Generator().manual_seed(0))


def test_the_blocks_by_hand() -> None:
    model = encoder(width=3, num_blocks=2).double().eval()
    x = torch.rand(2, 1, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    got = model(x)
    for index in (0, 4):
        convolved = functional.conv2d(x, model.blocks[index].weight, padding=1)
        pooled = functional.max_pool2d(convolved, 2)
        x = (pooled / (1 + 1e-5) ** 0.5).clamp(min=0)  # a fresh norm has mean 0 and variance 1
    quarters = [x[:, :, rows, columns].mean((2, 3)) for rows in _halves() for columns in _halves()]
    torch.testing.assert_close(got, torch.stack(quarters, 2).flatten(1))


def _halves() -> list[slice]:
    return [slice(0, 4), slice(3, 7)]  # of 7 places: the middle one counts in both


@pytest.mark.parametrize("num_channels", [1, 3])
def test_channels_lie_side_by_side(num_channels: int) -> None:
    # Twice as fast on a CPU, and lost without a word where a tensor of one channel is taken to lie so already.
    model = SmallConv(num_channels, 28, generator=torch.Generator())
    features = model.blocks[0](torch.ones(2, num_channels, 28, 28))
    assert features.stride() == (64 * 28 * 28, 1, 64 * 28, 64)


@pytest.mark.parametrize(("size", "num_blocks"), [(8, 4), (1, 1), (105, 4), (224, 7)])
def test_other_sizes(size: int, num_blocks: int) -> None:
    model = SmallConv(3, size, width=4, num_blocks=num_blocks, generator=torch.Generator())
    assert model(torch.ones(2, 3, size, size)).shape == (2, 16)


@pytest.mark.parametrize(("name", "value"), [("width", 0), ("num_blocks", 0), ("num_blocks", 6)])
def test_values_out_of_range(name: str, value: int) -> None:
    with pytest.raises(UserError, match=f"SmallConv: {name} must be at least 1.*, got {value}"):
        encoder(**{name: value})
