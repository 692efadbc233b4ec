"""SGL's own text: ``user,item`` a line without header, in ``<name>.train`` and ``<name>.test``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sgl_rec.data.readers.columns import REQUIRED, tidy
from sgl_rec.data.readers.text import line_of_row, read_text, split_lines

PARTS = ("train", "valid", "test")


def find(path: Path) -> tuple[Path, ...]:
    """The parts in that folder (one ``.train`` and the ``.test`` of the same name), or none."""
    if not path.is_dir():
        return ()
    trains = sorted(path.glob("*.train"))
    if len(trains) != 1 or not trains[0].with_suffix(".test").is_file():
        return ()
    files = [trains[0].with_suffix(f".{part}") for part in PARTS]
    return tuple(file for file in files if file.is_file())


def read(files: Sequence[Path]) -> pd.DataFrame:
    """Interactions of all ``files``, with a column ``part`` named after the suffix of the file each comes from.

    Raises: UserError naming the line that is not ``user,item``.
    """
    texts = [read_text(path) for path in files]
    frames = [
        split_lines(text, delimiter=",", names=REQUIRED, required=2, path=path)
        for text, path in zip(texts, files, strict=True)
    ]
    sizes = np.array([len(frame) for frame in frames])

    def line(row: int) -> str:
        part = int(np.searchsorted(sizes.cumsum(), row, side="right"))
        return f"{files[part].name} {line_of_row(texts[part], row - int(sizes[:part].sum()))}"

    raw = pd.concat(frames, ignore_index=True)
    tidied = tidy(raw, where=str(files[0].parent), text=True, line=line)
    return tidied.assign(part=pd.Categorical(np.repeat([path.suffix[1:] for path in files], sizes)))
