"""A fixed split as one table a part: ``train``, ``test`` and perhaps ``valid``, all CSV, TSV or Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sgl_rec.data.readers import delimited, parquet
from sgl_rec.data.readers.columns import PARTS, Raw, part_of_rows
from sgl_rec.data.reading import AS_IT_IS, Reading
from sgl_rec.errors import must_be

SUFFIXES = (".parquet", ".csv", ".tsv")


def find(path: Path) -> tuple[Path, ...]:
    """The parts in that folder (train and test at least) that share a suffix, or none."""
    for suffix in SUFFIXES if path.is_dir() else ():
        files = {part: path / f"{part}{suffix}" for part in PARTS}
        if files["train"].is_file() and files["test"].is_file():
            return tuple(file for file in files.values() if file.is_file())
    return ()


def scan(files: Sequence[Path], reading: Reading = AS_IT_IS) -> Raw:
    """The columns that ``reading`` asks for of all ``files``, each row of the part its file is named after.

    Raises: UserError for a file that cannot be read, lacks the columns, or has others or of another type than
        the first.
    """
    reader = parquet if files[0].suffix == ".parquet" else delimited
    raws = [reader.scan([file], reading) for file in files]
    first = raws[0]
    for raw in raws[1:]:
        if raw.columns.keys() != first.columns.keys():
            rule = f"those of {files[0].name} ({', '.join(first.columns)})"
            raise must_be(raw.where, "the columns", rule, ", ".join(raw.columns))
    sizes = [len(raw.columns["user_id"]) for raw in raws]
    ends = np.cumsum(sizes)

    def line(row: int) -> str:
        part = int(np.searchsorted(ends, row, side="right"))
        return f"{files[part].name} {raws[part].line(row - int(ends[part]) + sizes[part])}"

    # The ids of all parts together: one spelt with a leading zero makes them text everywhere.
    columns = {name: _joined(raws, name) for name in first.columns}
    part = part_of_rows([file.stem for file in files], sizes)
    return Raw(str(files[0].parent), columns, text=first.text, line=line, part=part)


def _joined(raws: Sequence[Raw], name: str) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    kind = _plain(raws[0].columns[name].type)
    for raw in raws:
        column = raw.columns[name]
        if _plain(column.type) != kind:
            raise must_be(raw.where, name, f"of the type it has in {raws[0].where} ({kind})", _plain(column.type))
        chunks += pc.cast(column, raws[0].columns[name].type).chunks
    return pa.chunked_array(chunks, raws[0].columns[name].type)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values: integers of any width are one, and text is text however it is held."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind):
        return pa.string()
    return pa.int64() if pa.types.is_integer(kind) else kind
