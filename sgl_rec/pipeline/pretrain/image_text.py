"""Images and their texts: a table that names the images."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from sgl_rec.data.image_texts import read_image_texts
from sgl_rec.data.texts.rows import DELIMITERS, suffix_of
from sgl_rec.encoders.vision import IMAGE_ENCODERS
from sgl_rec.pipeline.pretrain.modality import Modality, Samples, Sides
from sgl_rec.pipeline.pretrain.text import TOKENIZING, fitting_table, known_tokenizer, text_samples
from sgl_rec.views.images import IMAGE_VIEWS


def read(
    source: Path,
    *,
    image_column: str = "image",
    text_column: str = "text",
    label_column: str | None = None,
    images: str | None = None,
    columns: Sequence[str] = (),
    delimiter: str | None = None,
    quoting: str | None = None,
    encoding: str | None = None,
    size: int = 64,
    num_channels: Literal[1, 3] = 3,
    invert: bool = False,
    tokenizer: str = "words",
    vocabulary_size: int = 30_000,
    length: int = 64,
    kept: str = "",
) -> Samples:
    """The pairs of a table: the first side is the image, the second its text.

    Args:
        image_column, text_column, label_column, columns, delimiter, quoting, encoding: see
            ``data.image_texts.read_image_texts``.
        images: the folder or the zip file that the paths of images are below, itself beside the table; by default
            the folder of the table.
        size, num_channels, invert: see ``data.images.read_images``.
        tokenizer, vocabulary_size, length: see ``encoders.text.tokenizer.make_tokenizer``.
    """
    pairs = read_image_texts(
        source, image_column=image_column, text_column=text_column, label_column=label_column,
        images=None if images is None else source.parent / images, size=size, num_channels=num_channels,
        invert=invert, columns=tuple(columns), delimiter=delimiter, quoting=quoting, encoding=encoding,
    )  # fmt: skip
    made = known_tokenizer(kept, tokenizer, pairs.text, vocabulary_size=vocabulary_size, length=length)
    texts = replace(text_samples(pairs.text, made), label=pairs.label, classes=pairs.classes)
    digest = hashlib.sha256("\n".join(pairs.names).encode() + pairs.pixels.numpy().tobytes())
    digest.update(texts.sha256.encode())
    return Samples(
        take=lambda index: pairs.pixels[pairs.place[index]].float() / 255,
        shape=(num_channels, size),
        names=pairs.names,
        sha256=digest.hexdigest(),
        label=pairs.label,
        classes=pairs.classes,
        notes=pairs.left_out,
        other=texts.take,
        second=texts,
        kept=texts.kept,
    )


def _is_a_table(path: Path) -> bool:
    return suffix_of(path) in DELIMITERS and path.is_file()


SIDES = Sides("vision", "text", _is_a_table, keys=("size", "num_channels", "invert"))
FITTING = partial(fitting_table, optional=("label_column",))
IMAGE_TEXT = Modality(
    read, IMAGE_ENCODERS, IMAGE_VIEWS, method="clip", learnt_by=TOKENIZING, fitting=FITTING, sides=SIDES
)
