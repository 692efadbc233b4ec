"""Readers, one file per format: where its files lie in a folder, and how they become columns.

A reader hands on ``Raw`` columns: ``user_id`` and ``item_id``, and as they are there ``rating``, ``timestamp``,
``weight``, ``title``, and the part where the files are a published split. What of them counts is decided later.
To add a format, add a module with ``find`` and ``scan`` and list it here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sgl_rec.data.readers import delimited, lightgcn, movielens, pairs, parquet, parts
from sgl_rec.data.readers.columns import Raw, typed
from sgl_rec.data.reading import AS_IT_IS, Reading
from sgl_rec.errors import UserError


@dataclass(frozen=True)
class Reader:
    """One format.

    Args:
        layout: what a folder of this format holds, in words for messages.
        find: the files this reader would read at a file or folder; () where it would read none.
        scan: those files as columns.
        named: whether its columns have names, which a ``Reading`` may choose among.
    """

    name: str
    layout: str
    find: Callable[[Path], tuple[Path, ...]]
    scan: Callable[[Sequence[Path], Reading], Raw]
    named: bool = False

    def read(self, files: Sequence[Path]) -> pd.DataFrame:
        """The rows as a frame in the prepared form: ids int64 or text, ``rating``, ``timestamp``, ``part``."""
        return typed(self.scan(files, AS_IT_IS)).frame()


# The prepared form stands first: a folder may still hold the files it was made from.
READERS = (
    Reader("parquet", "interactions.parquet", parquet.find, parquet.scan, named=True),
    Reader("delimited", "interactions.csv or .tsv with a header", delimited.find, delimited.scan, named=True),
    Reader("movielens", "ratings.dat", movielens.find, movielens.scan),
    Reader("lightgcn", "train.txt and test.txt", lightgcn.find, lightgcn.scan),
    Reader("pairs", "NAME.train and NAME.test", pairs.find, pairs.scan),
    Reader("parts", "train.csv and test.csv (or .tsv, .parquet)", parts.find, parts.scan, named=True),
)


def find_reader(path: Path, reading: Reading = AS_IT_IS) -> tuple[Reader, tuple[Path, ...]] | None:
    """The reader for a file or folder and the files it will read, or None where there are no interactions.

    A file of whatever name is delimited text where ``reading`` speaks of its columns, but for Parquet.

    Raises: UserError where ``reading`` speaks of columns and the format has no names for them.
    """
    if reading.of_a_table and path.is_file() and not parquet.find(path):
        return READERS[1], (path,)
    for reader in READERS:
        if (files := reader.find(path)) and all(file.exists() for file in files):
            if reading.of_a_table and not reader.named:
                given = ", ".join(reading.of_a_table)
                raise UserError(f"{path}: {reader.layout} have no named columns; leave out {given}")
            return reader, files
    return None
