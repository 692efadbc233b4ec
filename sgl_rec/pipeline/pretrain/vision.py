"""Images: a folder or a zip file of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sgl_rec.data.images import folder_labels, read_images
from sgl_rec.encoders.vision import IMAGE_ENCODERS
from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.modality import Modality, Samples
from sgl_rec.views.images import IMAGE_VIEWS


def read(
    source: Path,
    *,
    size: int = 64,
    num_channels: Literal[1, 3] = 3,
    only: Sequence[str] = (),
    invert: bool = False,
) -> Samples:
    """The images below ``source``, their labels the folders they lie in (none where they lie in no folder).

    Args:
        size, num_channels, only, invert: see ``data.images.read_images``.
    """
    images = read_images(source, size=size, num_channels=num_channels, only=only, invert=invert)
    names = tuple(map(_as_text, images.names))
    try:
        label, classes = folder_labels(names)
    except UserError:
        label, classes = None, []
    digest = hashlib.sha256("\n".join(names).encode() + images.pixels.numpy().tobytes()).hexdigest()
    return Samples(
        take=lambda index: images.pixels[index].float() / 255,
        shape=(num_channels, size),
        names=names,
        sha256=digest,
        label=label,
        classes=tuple(classes),
        notes=tuple(map(_as_text, images.unreadable)),
    )


def _as_text(name: str) -> str:
    """A file's name, also where it is not UTF-8 and Python has put its bytes into surrogates."""
    return os.fsencode(name).decode("utf-8", "replace")


VISION = Modality(read, IMAGE_ENCODERS, IMAGE_VIEWS, method="simclr")
