"""A list of image views by name, as one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from sgl_rec.errors import must_be, nearest
from sgl_rec.views.images import IMAGE_VIEWS


@runtime_checkable
class ImageView(Protocol):
    """A random change of a batch of images in [0, 1]; closed (images in, images out), so views compose."""

    def __call__(self, image: Tensor, *, generator: torch.Generator) -> Tensor: ...


def image_view(parts: Sequence[Mapping[str, Any]]) -> ImageView:
    """The view that applies those of a list one after the other, all drawing from the one generator in turn.

    Args:
        parts: for each, its ``name`` in ``IMAGE_VIEWS`` and its keyword arguments. Without any, the identity.

    Raises: UserError for a name or an argument that is not known, and where a view is called with a value that it
        does not take.

    Example:
        >>> view = image_view([{"name": "resized_crop", "min_scale": 0.5}, {"name": "flip"}])
        >>> tuple(view(torch.ones(2, 3, 8, 8), generator=torch.Generator()).shape)
        (2, 3, 8, 8)
    """
    views = [_one(index, part) for index, part in enumerate(parts)]

    def composed(image: Tensor, *, generator: torch.Generator) -> Tensor:
        for view in views:
            image = view(image, generator=generator)
        return image

    return composed


def _one(index: int, part: Mapping[str, Any]) -> ImageView:
    if not isinstance(part.get("name"), str):
        raise must_be(f"image view {index + 1}", "name", "given", part.get("name"), "say which view it is")
    view = IMAGE_VIEWS[part["name"]]
    parameters = inspect.signature(view).parameters.values()
    known = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY} - {"generator"}
    arguments = {name: value for name, value in part.items() if name != "name"}
    for name in arguments:
        if name not in known:
            advice = nearest(name, known)
            raise must_be(f"image view {part['name']!r}", "its keys", "its arguments", repr(name), advice)
    return partial(view, **arguments)
