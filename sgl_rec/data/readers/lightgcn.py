"""LightGCN's text: ``user item item ...`` a line, in ``train.txt``, ``test.txt`` and sometimes ``valid.txt``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from sgl_rec.data.readers.columns import tidy
from sgl_rec.data.readers.text import read_text

PARTS = ("train", "valid", "test")


def find(path: Path) -> tuple[Path, ...]:
    """The parts in that folder (train and test at least), or the ``.txt`` file at ``path``, or none."""
    if path.is_dir():
        files = {part: path / f"{part}.txt" for part in PARTS}
        there = tuple(file for file in files.values() if file.is_file())
        return there if files["train"] in there and files["test"] in there else ()
    return (path,) if path.suffix == ".txt" else ()


def read(files: Sequence[Path]) -> pd.DataFrame:
    """Interactions of all ``files``, where they are several with a column ``part`` named after the file of each.

    A user without items has no row. Blanks and tabs both divide.

    Raises: UserError for a file that is no text, or holds no pair.
    """
    frames = [_read_part(path) for path in files]
    raw = pd.concat(frames, ignore_index=True)
    # ids of all parts together: one spelt with a leading zero makes them text everywhere
    tidied = tidy(raw, where=str(files[0]), text=True)
    if len(files) == 1:
        return tidied
    return tidied.assign(
        part=pd.Categorical(np.repeat([path.stem for path in files], [len(frame) for frame in frames]))
    )


def _read_part(path: Path) -> pd.DataFrame:
    lines = [line.split() for line in read_text(path).split("\n")]
    lines = [line for line in lines if line]
    counts = [len(line) - 1 for line in lines]
    users = np.repeat(np.array([line[0] for line in lines], dtype=object), counts)
    items = list(chain.from_iterable(line[1:] for line in lines))
    return pd.DataFrame({"user_id": users, "item_id": items}, dtype=object)
