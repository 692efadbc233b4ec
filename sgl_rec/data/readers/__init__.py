"""Readers, one file per format: where its files lie in a folder, and how they become a frame.

A reader's frame has ``user_id`` and ``item_id`` (int64 or text), optionally ``rating`` (float64) and
``timestamp`` (int64), and ``part`` where the files are a published split. To add a format, add a module with
``find`` and ``read`` and list it here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sgl_rec.data.readers import delimited, lightgcn, movielens, pairs, parquet


@dataclass(frozen=True)
class Reader:
    """One format.

    Args:
        layout: what a folder of this format holds, in words for messages.
        find: the files this reader would read at a file or folder; () where it would read none.
        read: those files as one frame.
    """

    name: str
    layout: str
    find: Callable[[Path], tuple[Path, ...]]
    read: Callable[[Sequence[Path]], pd.DataFrame]


# The prepared form stands first: a folder may still hold the files it was made from.
READERS = (
    Reader("parquet", "interactions.parquet", parquet.find, parquet.read),
    Reader("delimited", "interactions.csv or .tsv with a header", delimited.find, delimited.read),
    Reader("movielens", "ratings.dat", movielens.find, movielens.read),
    Reader("lightgcn", "train.txt and test.txt", lightgcn.find, lightgcn.read),
    Reader("pairs", "NAME.train and NAME.test", pairs.find, pairs.read),
)


def find_reader(path: Path) -> tuple[Reader, tuple[Path, ...]] | None:
    """The reader for a file or folder and the files it will read, or None where there are no interactions."""
    for reader in READERS:
        if (files := reader.find(path)) and all(file.exists() for file in files):
            return reader, files
    return None
