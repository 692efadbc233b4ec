from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.encoders.vision.module import ImageModule
from sgl_rec.errors import UserError


class Returns(nn.Module):
    """Dropout and a scale over what a function makes of the images."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make = make
        self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))
        self.norm = nn.BatchNorm2d(3).double()

    def forward(self, image: Tensor) -> Any:
        return self.make(self.norm(image) * self.scale)


@pytest.mark.parametrize(
    ("make", "width"),
    [
        (lambda x: x.mean((2, 3)), 3),
        (lambda x: x, 3),
        (lambda x: x.flatten(2).transpose(1, 2), 3),
        (lambda x: x.mean(1), 6),
        (lambda x: SimpleNamespace(last_hidden_state=x, pooler_output=x.amax((2, 3), keepdim=True)), 3),
        (lambda x: SimpleNamespace(last_hidden_state=x, pooler_output=None), 3),
        (lambda x: SimpleNamespace(last_hidden_state=x), 3),
    ],
)
def test_whatever_it_returns_is_a_row_an_image(make: Any, width: int) -> None:
    module = Returns(make)
    encoder = ImageModule(module, num_channels=3, size=6)
    assert encoder.embedding_dim == width
    assert module.training
    assert int(module.norm.num_batches_tracked) == 0, "it was tried without moving its statistics"
    image = torch.rand(5, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert encoder(image).shape == (5, width)


def test_what_is_averaged() -> None:
    image = torch.rand(2, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for make in (lambda x: x, lambda x: x.flatten(2).transpose(1, 2)):
        encoder = ImageModule(Returns(make), num_channels=3, size=6).eval()
        torch.testing.assert_close(encoder(image), image.mean((2, 3)) / (1 + 1e-5) ** 0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: x.mean(), r"what the module returns must be .* got shape \(\)"),
        (lambda x: "rows", "what the module returns must be .* got str"),
        (lambda x: x.mean((2, 3))[:1], "rows must be one for each of 2 images, got 1"),
        (lambda x: x.view(7, 7), r"Returns must be one for images of shape \(3, 6, 6\), got RuntimeError: shape"),
    ],
)
def test_a_module_that_is_no_encoder(make: Any, message: str) -> None:
    module = Returns(make)
    with pytest.raises(UserError, match=f"ImageModule: {message}"):
        ImageModule(module, num_channels=3, size=6)
    assert module.training
