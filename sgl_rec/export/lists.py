"""Ranked lists out, with the caller's own ids, block by block: Parquet, CSV or JSON lines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sgl_rec.errors import must_be
from sgl_rec.files import atomic_path
from sgl_rec.types import Ids, RankedLists

_ROW_GROUP = 2**16
"""Rows gathered for one Parquet row group: a group for each small block would make a slow, large file."""

WriteBlock = Callable[[pa.Table], None]


class Written(NamedTuple):
    """What went out: rows, and lists that have at least one."""

    rows: int
    lists: int


def write_lists(
    blocks: Iterable[RankedLists],
    *,
    users: Ids,
    items: Ids,
    path: Path | None,
    titles: np.ndarray | None = None,
    stream: TextIO | None = None,
) -> Written:
    r"""Write lists as rows ``user_id``, ``item_id``, ``score``, ``rank`` (and ``title``) while they arrive.

    ``rank`` starts at 1; empty places (item -1) are left out. Ids keep their type (int64 or string) in Parquet
    and JSON. Memory does not grow with the number of blocks. The file is there whole or not at all.

    Args:
        path: the suffix says the format: one of ``FORMATS``. None writes CSV to ``stream``.
        titles: one text (or None) per item.

    Raises: UserError for another suffix (before the first block is asked for), or a file that cannot be
        written.

    Example:
        >>> import sys, torch
        >>> lists = RankedLists(torch.tensor([1]), torch.tensor([[2, 0]]), torch.tensor([[0.5, 0.25]]))
        >>> users, items = Ids(pd.Index(["ann", "bob"])), Ids(pd.Index([10, 11, 12]))
        >>> write_lists([lists], users=users, items=items, path=None, stream=sys.stdout)
        user_id,item_id,score,rank
        bob,12,0.5,1
        bob,10,0.25,2
        Written(rows=2, lists=1)
    """
    with open_lists(path, users=users, items=items, titles=titles, stream=stream) as out:
        for block in blocks:
            out.write(block)
    return out.written


@contextlib.contextmanager
def open_lists(
    path: Path | None,
    *,
    users: Ids,
    items: Ids,
    titles: np.ndarray | None = None,
    stream: TextIO | None = None,
) -> Iterator[ListsFile]:
    """A file of lists for a caller that is handed the blocks one at a time.

    Arguments and errors are those of ``write_lists``; the file is moved into place when the context ends well.
    """
    schema = _schema(users, items, with_titles=titles is not None)
    with contextlib.ExitStack() as stack:
        if path is not None:
            opener = FORMATS[list_format(path)]
            write = stack.enter_context(opener(stack.enter_context(atomic_path(path)), schema))
        elif stream is not None:
            write = _csv_writer(stream, schema)
        else:
            raise must_be("write_lists", "stream", "given where there is no path", None)
        yield ListsFile(
            write, lambda block: _table(block, users=users, items=items, titles=titles, schema=schema)
        )


class ListsFile:
    """Turns blocks into tables with the caller's ids, hands them to a format's writer, and counts."""

    def __init__(self, write: WriteBlock, tabulate: Callable[[RankedLists], pa.Table]) -> None:
        self._write, self._tabulate = write, tabulate
        self.written = Written(0, 0)

    def write(self, block: RankedLists) -> None:
        """Add the lists of one block."""
        table = self._tabulate(block)
        self._write(table)
        lists = int(np.count_nonzero(table["rank"].to_numpy() == 1))
        self.written = Written(self.written.rows + table.num_rows, self.written.lists + lists)


def list_frame(
    blocks: Iterable[RankedLists], *, users: Ids, items: Ids, titles: np.ndarray | None = None
) -> pd.DataFrame:
    """The rows that ``write_lists`` would write, as one frame in memory.

    Example:
        >>> import torch
        >>> lists = RankedLists(torch.tensor([0]), torch.tensor([[1, -1]]), torch.tensor([[2.0, 0.0]]))
        >>> list_frame([lists], users=Ids(pd.Index(["ann"])), items=Ids(pd.Index([10, 11])))
          user_id  item_id  score  rank
        0     ann       11    2.0     1
    """
    schema = _schema(users, items, with_titles=titles is not None)
    tables = [_table(block, users=users, items=items, titles=titles, schema=schema) for block in blocks]
    frame: pd.DataFrame = pa.concat_tables([schema.empty_table(), *tables]).to_pandas()
    return frame


def list_format(path: Path) -> str:
    """The suffix of ``path``, one of ``FORMATS``.

    Raises: UserError for another suffix, naming those there are.

    Example:
        >>> list_format(Path("lists.CSV"))
        '.csv'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        known = ", ".join(FORMATS)
        raise must_be("output", "file name", f"one that ends in {known}", repr(str(path)), "rename it")
    return suffix


def _table(
    block: RankedLists, *, users: Ids, items: Ids, titles: np.ndarray | None, schema: pa.Schema
) -> pa.Table:
    item = block.item.cpu().numpy()
    row, place = np.nonzero(item >= 0)
    chosen = item[row, place]
    columns = [
        users.values.take(block.user.cpu().numpy()[row]),
        items.values.take(chosen),
        block.score.float().cpu().numpy()[row, place],
        (place + 1).astype(np.int32),
    ]
    if titles is not None:
        columns.append(titles[chosen])
    arrays = [
        pa.array(column, type=field.type, from_pandas=True) for column, field in zip(columns, schema, strict=True)
    ]
    return pa.table(arrays, schema=schema)


def _schema(users: Ids, items: Ids, *, with_titles: bool) -> pa.Schema:
    fields = [
        pa.field("user_id", pa.int64() if users.is_integer else pa.string()),
        pa.field("item_id", pa.int64() if items.is_integer else pa.string()),
        pa.field("score", pa.float32()),
        pa.field("rank", pa.int32()),
    ]
    return pa.schema([*fields, pa.field("title", pa.string())] if with_titles else fields)


@contextlib.contextmanager
def _open_parquet(path: Path, schema: pa.Schema) -> Iterator[WriteBlock]:
    pending: list[pa.Table] = []

    def write(table: pa.Table) -> None:
        pending.append(table)
        if sum(part.num_rows for part in pending) >= _ROW_GROUP:
            flush()

    def flush() -> None:
        if pending:
            writer.write_table(pa.concat_tables(pending))
            pending.clear()

    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield write
        flush()


@contextlib.contextmanager
def _open_csv(path: Path, schema: pa.Schema) -> Iterator[WriteBlock]:
    with path.open("w", encoding="utf-8", newline="") as stream:
        yield _csv_writer(stream, schema)


def _csv_writer(stream: TextIO, schema: pa.Schema) -> WriteBlock:
    """The header at once (no lists are still a table), then rows; text is quoted where it has to be."""

    def write(table: pa.Table) -> None:
        table.to_pandas().to_csv(stream, header=False, index=False, lineterminator="\n")

    stream.write(",".join(schema.names) + "\n")
    return write


@contextlib.contextmanager
def _open_jsonl(path: Path, schema: pa.Schema) -> Iterator[WriteBlock]:
    """One JSON object a line. ``schema`` is not needed: an object names its columns itself."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    with path.open("w", encoding="utf-8", newline="") as stream:

        def write(table: pa.Table) -> None:
            stream.writelines(encode(row) + "\n" for row in table.to_pylist())

        yield write


FORMATS: Mapping[str, Callable[[Path, pa.Schema], contextlib.AbstractContextManager[WriteBlock]]] = {
    ".parquet": _open_parquet,
    ".csv": _open_csv,
    ".jsonl": _open_jsonl,
}
"""Suffix -> what opens a file of that format and hands out its block writer: a further format is one line."""
