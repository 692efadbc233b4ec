"""Any Module over images as an encoder: one row an image, as wide as it says."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.encoders.vision.images import check_images, check_shape
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.rng import scope


class ImageModule(nn.Module):
    """What a Module makes of images, brought to (B, D).

    (B, D) stays, (B, D, h, w) is averaged over its places and (B, T, D) over its tokens. Of a record, as the
    models of ``transformers`` return, it is ``pooler_output`` where there is one, else ``last_hidden_state``.

    Args:
        module: (B, C, H, W) to one of these.
        num_channels, size: C, and H = W, of the images it is tried with to see how wide its rows are.

    Raises: UserError for a module that fails on two such images or makes something else of them.

    Example:
        >>> encoder = ImageModule(nn.Conv2d(3, 5, 3), num_channels=3, size=8)
        >>> encoder.embedding_dim, tuple(encoder(torch.ones(2, 3, 8, 8)).shape)
        (5, (2, 5))
    """

    def __init__(self, module: nn.Module, *, num_channels: int, size: int) -> None:
        super().__init__()
        check_shape("ImageModule", num_channels=num_channels, size=size)
        self.module, self.num_channels = module, num_channels
        self.embedding_dim = self._tried(torch.zeros(2, num_channels, size, size))

    def forward(self, image: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        check_images("ImageModule", image, num_channels=(self.num_channels,))
        return _rows(self.module(image))

    def _tried(self, image: Tensor) -> int:
        """The width of its rows, on images like the parameters."""
        training = self.module.training
        image = image.to(next(self.module.parameters(), image))
        try:
            # In eval mode no statistics move; what it draws all the same does not come from the global generator.
            with torch.no_grad(), scope(torch.Generator().manual_seed(0)):
                rows = _rows(self.module.eval()(image))
        except UserError:
            raise
        except Exception as error:  # somebody else's module can fail in any way
            rule = f"one for images of shape {tuple(image.shape[1:])}"
            got = f"{type(error).__name__}: {one_line(error)}"
            raise must_be("ImageModule", f"{type(self.module).__name__}", rule, got) from error
        finally:
            self.module.train(training)
        if len(rows) != len(image):
            raise must_be("ImageModule", "rows", f"one for each of {len(image)} images", len(rows))
        return rows.shape[1]


def _rows(output: Any) -> Tensor:
    for name in ("pooler_output", "last_hidden_state"):
        if getattr(output, name, None) is not None:
            output = getattr(output, name)
            break
    if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
        got = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise must_be("ImageModule", "what the module returns", "(B, D), (B, T, D) or (B, D, h, w)", got)
    if output.ndim == 4:
        return output.mean((2, 3))
    return output.mean(1) if output.ndim == 3 else output
