"""Pairs of an image and a text: a table that names the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from sgl_rec.data.images import read_named_images
from sgl_rec.data.texts.rows import coded
from sgl_rec.data.texts.table import read_table


@dataclass(frozen=True, eq=False)
class ImageTexts:
    """N pairs in the order of their table. An image that stands in several rows is held once.

    Args:
        pixels: (M, C, S, S) of the M images, 0 is black.
        place: of each pair's image among them.
        names: of each pair's image, as the table has it.
        text: of each pair.
        label: its class; ``classes`` has their names, in order.
        left_out: one line for each row without an image's name or a text, and each image that cannot be read.
    """

    pixels: UInt8[Tensor, "M C S S"]
    place: Int64[Tensor, " N"]
    names: tuple[str, ...]
    text: tuple[str, ...]
    label: Int64[Tensor, " N"] | None = None
    classes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def read_image_texts(
    path: Path,
    *,
    image_column: str = "image",
    text_column: str = "text",
    label_column: str | None = None,
    images: Path | None = None,
    size: int,
    num_channels: Literal[1, 3] = 3,
    invert: bool = False,
    columns: Sequence[str] = (),
    delimiter: str | None = None,
    quoting: str | None = None,
    encoding: str | None = None,
) -> ImageTexts:
    """The pairs of a CSV or TSV file. A row with no text, or an image that cannot be read, is left out.

    Args:
        image_column, text_column, label_column: what they are called in the file. An image is a path.
        images: the folder or the zip file that those paths are below; by default the folder of the table.
        size, num_channels, invert: see ``data.images.read_images``. No image but those named is looked at.
        columns, delimiter, quoting, encoding: see ``data.texts.table.read_table``.

    Raises: UserError for a column that is not there, files that cannot be read, and where no pair is left.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (8, 8), "red").save(folder / "a.png")
        >>> _ = (folder / "pairs.csv").write_text("image,text\\na.png,a red square\\nb.png,no square\\n")
        >>> pairs = read_image_texts(folder / "pairs.csv", size=4)
        >>> pairs.names, pairs.text, len(pairs.left_out)
        (('a.png',), ('a red square',), 1)
    """
    table = read_table(
        path, text_column=text_column, other_column=image_column, label_column=label_column, columns=columns,
        delimiter=delimiter, quoting=quoting, encoding=encoding,
    )  # fmt: skip
    assert table.other is not None, "the column was asked for"
    found = read_named_images(
        images or path.parent,
        list(dict.fromkeys(table.other)),
        size=size,
        num_channels=num_channels,
        invert=invert,
    )
    place = {name: index for index, name in enumerate(found.names)}
    rows = [row for row, name in enumerate(table.other) if name in place]
    label, classes = table.label, table.classes
    if label is not None:  # counted anew: a class may have lost all its images
        label, classes = coded([classes[number] for number in label[rows].tolist()])
    return ImageTexts(
        found.pixels,
        torch.tensor([place[table.other[row]] for row in rows]),
        tuple(table.other[row] for row in rows),
        tuple(table.text[row] for row in rows),
        label=label,
        classes=classes,
        left_out=table.left_out + found.unreadable,
    )
