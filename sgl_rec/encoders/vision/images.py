"""What encoders of images share: checks of what they are made for and of what they are given."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be


def check_shape(where: str, *, num_channels: int, size: int) -> None:
    """Raises: UserError for images without channels or pixels."""
    if num_channels < 1:
        raise must_be(where, "num_channels", "at least 1", num_channels)
    if size < 1:
        raise must_be(where, "size", "at least 1", size)


def check_images(where: str, image: Float[Tensor, "B C H W"], *, num_channels: Sequence[int]) -> None:
    """Raises: UserError for images of other channels than an encoder can take."""
    if image.shape[1] not in num_channels:
        rule = " or ".join(str(number) for number in num_channels)
        raise must_be(where, "channels of the images", rule, image.shape[1])
