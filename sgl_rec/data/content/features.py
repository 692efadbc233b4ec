"""Vectors of items that were made elsewhere: a NumPy file, or a table with a row for each item."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sgl_rec.data.readers import delimited, parquet
from sgl_rec.data.readers.coded import code_ids
from sgl_rec.data.readers.places import Place
from sgl_rec.data.reading import AS_IT_IS
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.types import Ids

ID_COLUMNS = ("item_id", "name")
"""The first of them that is there has the ids; ``sgl-rec embed`` calls it ``name``."""


def read_features(path: Path, items: Ids, *, some: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """The vector of every item, float32 of shape (I, F), and whether it has one; the others' are 0.

    Args:
        path: ``.npy``: two dimensions, where row i is of the item whose id is the integer i; ``.parquet``:
            ``item_id`` (or ``name``) and either one column of lists or columns of numbers; ``.csv``: the same
            with columns of numbers. ``sgl-rec embed`` writes such files.
        some: whether it has to have a row for an item at all.

    Raises: UserError for a file that is none of these, holds what is no finite number, or has none of the items.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "f.npy"
        >>> np.save(path, np.eye(3, dtype=np.float16))
        >>> rows, known = read_features(path, Ids(pd.Index([2, 7])))
        >>> rows.tolist(), known.tolist()
        ([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]], [True, False])
    """
    if not path.is_file():
        raise must_be(f"{path}", "the features", "a file (.npy, .parquet or .csv)", "none", "check the path")
    kind = path.suffix.lower()
    if kind == ".npy":
        place, rows = _numbered(path, items)
    elif kind in (".parquet", ".csv"):
        place, rows = _named(path, items)
    else:
        raise must_be(f"{path}", "suffix of features", ".npy, .parquet or .csv", repr(path.suffix))
    known = place >= 0
    if some and len(items) and not known.any():
        raise must_be(
            f"{path}", "features", "of items of the data", f"none of {str(items.values[0])!r} and others"
        )
    found = np.zeros((len(items), rows.shape[1]), np.float32)
    found[known] = rows[place[known]]
    if not np.isfinite(found).all():
        item = items.values[int((~np.isfinite(found).all(axis=1)).argmax())]
        raise must_be(f"{path}", "features", "finite numbers", f"another value for item {item}", "correct it")
    return found, known


def _numbered(path: Path, items: Ids) -> tuple[np.ndarray, np.ndarray]:
    if not items.is_integer:
        advice = "write a .parquet or .csv file with item_id and the numbers"
        raise must_be(f"{path}", "ids of items", "integers, where row i is of item i", "texts", advice)
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:  # a header can claim any size
        raise must_be(f"{path}", "the features", "a whole NumPy file of numbers", one_line(error)) from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind not in "fiu" or not rows.shape[1]:
        got = f"{getattr(rows, 'dtype', type(rows).__name__)} of shape {getattr(rows, 'shape', ())}"
        raise must_be(f"{path}", "the features", "numbers of shape (items, features)", got)
    ids = items.values.to_numpy()
    with np.errstate(over="ignore"):  # what is too large is refused with its item
        return np.where((ids >= 0) & (ids < len(rows)), ids, -1), rows.astype(np.float32)


def _named(path: Path, items: Ids) -> tuple[np.ndarray, np.ndarray]:
    is_parquet = path.suffix.lower() == ".parquet"
    header = parquet.column_names(path) if is_parquet else delimited.header_of(path, AS_IT_IS)
    name = next((one for one in ID_COLUMNS if one in header), None)
    numbers = [one for one in header if one not in (*ID_COLUMNS, "label")]
    if name is None or not numbers:
        raise must_be(f"{path}", "columns", "item_id and numbers", ", ".join(map(repr, header[:8])) or "none")
    if is_parquet:
        table = parquet.read_table(path, [name, *numbers])
    else:
        table = delimited.read_table(path, {one: one for one in (name, *numbers)}, AS_IT_IS)
    ids = code_ids(table[name], Place(str(path), name), text=not is_parquet)
    rows = _matrix(table.select(numbers), path)
    index = pd.Index(ids.values.take(ids.code[ids.code >= 0])).astype(str)
    if index.has_duplicates:
        raise must_be(f"{path}", name, "distinct", repr(index[index.duplicated()][0]), "keep one row of it")
    place = index.get_indexer(pd.Index(items.values.astype(str)))
    return place, rows[ids.code >= 0]


def _matrix(table: pa.Table, path: Path) -> np.ndarray:
    """(rows, F) of one column of lists, or of columns of numbers."""
    try:
        if table.num_columns == 1 and pa.types.is_nested(table.column(0).type):
            rows = _lists(table.column(0).combine_chunks())
        else:
            rows = np.stack([_numbers(one) for one in table.columns], axis=1)
    except (pa.ArrowException, ValueError, TypeError) as error:
        got = one_line(error)
        raise UserError(
            f"{path}: features must be numbers, as many for every item, got {got}; correct it"
        ) from error
    if rows.ndim != 2 or not rows.shape[1]:
        raise must_be(f"{path}", "features", "numbers, one or more for every item", f"shape {rows.shape}")
    return rows


def _lists(column: pa.Array) -> np.ndarray:
    """A column of lists, without a Python object for every number."""
    lengths = np.unique(pc.list_value_length(column).to_numpy(zero_copy_only=False))
    if len(lengths) != 1 or pa.types.is_nested(column.type.value_type) or column.null_count:
        raise ValueError(f"lists of {' and '.join(f'{one:g}' for one in lengths[:3])} values, or lists of lists")
    rows: np.ndarray = _numbers(column.flatten()).reshape(len(column), -1)
    return rows


def _numbers(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.utf8_trim_whitespace(column)
    numbers: np.ndarray = np.asarray(column.cast(pa.float64())).astype(np.float32)
    return numbers
