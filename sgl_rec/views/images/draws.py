"""What image views share: numbers drawn for each image, those that are left as they are, checks of arguments."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from sgl_rec.errors import must_be

GREY, COLOUR = 1, 3
"""Channels of the images whose colour is known."""


def uniform(
    image: Float[Tensor, "B C H W"], *, low: float, high: float, generator: torch.Generator
) -> Float[Tensor, " B"]:
    """A number in [low, high) for each image, drawn on the generator's device, of the images' type and place."""
    drawn = torch.rand(len(image), generator=generator, device=generator.device)
    return (low + (high - low) * drawn).to(image)


def sometimes(
    image: Float[Tensor, "B C H W"],
    changed: Float[Tensor, "B C H W"],
    *,
    probability: float,
    generator: torch.Generator,
) -> Float[Tensor, "B C H W"]:
    """Each image alone is the changed one with ``probability``. A number is drawn for each, whatever that is."""
    # Compared before it is of the images' type: bfloat16 rounds up to 1.
    chosen = torch.rand(len(image), generator=generator, device=generator.device) < probability
    return torch.where(chosen.to(image.device)[:, None, None, None], changed, image)


def check_probability(where: str, value: float, *, name: str = "probability") -> None:
    """Raises: UserError unless ``value`` is in [0, 1]."""
    if not 0 <= value <= 1:
        raise must_be(where, name, "in [0, 1]", value)


def check_range(where: str, name: str, low: float, high: float, *, least: float, most: float = math.inf) -> None:
    """Raises: UserError unless least <= low <= high <= most and both are finite."""
    if not (least <= low <= high <= most and math.isfinite(high)):
        ends = f"min_{name} and max_{name}"
        raise must_be(where, ends, f"in order, at least {least} and at most {most}", f"{low} and {high}")


def check_channels(where: str, image: Float[Tensor, "B C H W"]) -> None:
    """Raises: UserError for images that are neither grey nor in colour."""
    if image.shape[1] not in (GREY, COLOUR):
        raise must_be(
            where,
            "images",
            f"of {GREY} channel (grey) or {COLOUR} (red, green, blue)",
            f"{image.shape[1]} channels",
            "leave this view out of the list for them",
        )
