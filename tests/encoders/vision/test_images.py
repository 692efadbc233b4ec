from __future__ import annotations

import pytest
import torch

from sgl_rec.encoders.vision.images import check_images, check_shape
from sgl_rec.errors import UserError


def test_shapes_and_channels() -> None:
    check_shape("here", num_channels=1, size=1)
    check_images("here", torch.ones(0, 3, 2, 2), num_channels=(1, 3))
    with pytest.raises(UserError, match="here: size must be at least 1, got 0"):
        check_shape("here", num_channels=1, size=0)
    with pytest.raises(UserError, match="here: channels of the images must be 1 or 3, got 2"):
        check_images("here", torch.ones(1, 2, 2, 2), num_channels=(1, 3))
