"""A Parquet file, or the prepared folder that holds ``interactions.parquet``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from sgl_rec.data.readers.columns import Raw
from sgl_rec.data.reading import AS_IT_IS, Reading
from sgl_rec.errors import UserError


def find(path: Path) -> tuple[Path, ...]:
    """The Parquet file at ``path``, or none."""
    if path.is_dir():
        file = path / "interactions.parquet"
        return (file,) if file.is_file() else ()
    return (path,) if path.suffix in (".parquet", ".pq") else ()


def scan(files: Sequence[Path], reading: Reading = AS_IT_IS) -> Raw:
    """The columns that ``reading`` asks for, typed as in the file: text ids stay text.

    Raises: UserError for a file that is no Parquet, is damaged, or lacks the columns.
    """
    (path,) = files
    names = reading.choose(column_names(path), where=str(path))
    table = read_table(path, list(dict.fromkeys(names.values())), text_once=True)
    return Raw(str(path), {name: table[own] for name, own in names.items()})


def column_names(path: Path) -> list[str]:
    """Names of a Parquet file's columns. Raises: UserError when it cannot be read."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            return list(file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def read_columns(path: Path, names: Sequence[str]) -> pd.DataFrame:
    """Some columns of a Parquet file. Raises: UserError when it cannot be read."""
    try:
        # a pandas index kept in the file is a column like any other here
        frame: pd.DataFrame = read_table(path, names).to_pandas(ignore_metadata=True)
        return frame
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def read_table(path: Path, names: Sequence[str], *, text_once: bool = False) -> pa.Table:
    """Some columns of a Parquet file; with ``text_once``, of text each distinct value is held once.

    Raises: UserError when it cannot be read.
    """
    try:
        # Without a buffer the whole of every column chunk is held at once beside what is made of it.
        with pyarrow.parquet.ParquetFile(
            path,
            read_dictionary=_texts(path, names) if text_once else None,
            buffer_size=1 << 20,
            pre_buffer=False,
        ) as file:
            return file.read(columns=list(names))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _texts(path: Path, names: Sequence[str]) -> list[str]:
    """Those of the columns that hold text: others have no dictionary to be read."""
    with pyarrow.parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
    kinds = {name: schema.field(name).type for name in names}
    return [name for name, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_large_string(kind)]


def _damaged(path: Path, error: Exception) -> UserError:
    reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
    return UserError(f"{path}: the file must be readable Parquet, got an error ({reason}); write it again")
