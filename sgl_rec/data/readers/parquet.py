"""A Parquet file, or the prepared folder that holds ``interactions.parquet``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from sgl_rec.data.readers.columns import check_names, tidy
from sgl_rec.errors import UserError


def find(path: Path) -> tuple[Path, ...]:
    """The Parquet file at ``path``, or none."""
    if path.is_dir():
        file = path / "interactions.parquet"
        return (file,) if file.is_file() else ()
    return (path,) if path.suffix == ".parquet" else ()


def read(files: Sequence[Path]) -> pd.DataFrame:
    """Interactions with the types the file gives them: text ids stay text, also where they spell numbers.

    Raises: UserError for a file that is no Parquet, is damaged, or lacks the columns.
    """
    (path,) = files
    names = check_names(column_names(path), where=str(path))
    return tidy(read_columns(path, names), where=str(path))


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
        with pyarrow.parquet.ParquetFile(path) as file:
            table = file.read(columns=list(names))
            # a pandas index kept in the file is a column like any other here
            frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
            return frame
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UserError:
    reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
    return UserError(f"{path}: the file must be readable Parquet, got an error ({reason}); write it again")
