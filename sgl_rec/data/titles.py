"""Texts of items: from ``items.parquet``, MovieLens' ``movies.dat``, a file of items, or the log itself."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sgl_rec.data.readers import delimited, movielens, parquet
from sgl_rec.data.readers.coded import code_ids
from sgl_rec.data.readers.columns import Rows
from sgl_rec.data.readers.places import Place
from sgl_rec.data.reading import Reading, no_column
from sgl_rec.errors import UserError, must_be
from sgl_rec.types import Ids

logger = logging.getLogger("sgl_rec")


TITLE = ("title",)
NEW = "--new-items"
"""The option of a file of items that have to be described as those of a run are."""


def read_items(folder: Path, *, texts: Sequence[str] = ()) -> pd.DataFrame | None:
    """``item_id`` and ``title`` of the items a folder describes, or None where it describes none.

    Args:
        texts: further columns that are asked for.

    Raises: UserError for a damaged file, or one without ``item_id`` or a column of ``texts``.
    """
    table, movies = folder / "items.parquet", folder / "movies.dat"
    if table.is_file():
        names = parquet.column_names(table)
        if "item_id" not in names:
            raise UserError(f"{table}: columns must be item_id and optionally title, got {', '.join(names)}")
        _check_texts(texts, names, where=str(table))
        asked = [name for name in dict.fromkeys(("title", *texts)) if name in names]
        read = parquet.read_table(table, ["item_id", *asked])
        return _frame(read, read["item_id"].to_pandas()) if asked else None
    if not movies.is_file():
        return None
    films = movielens.read_movies(movies)
    _check_texts(texts, list(films.columns), where=str(movies))
    return films[["item_id", *dict.fromkeys(("title", *texts))]]


def read_items_file(
    path: Path,
    reading: Reading,
    *,
    texts: Sequence[str] = TITLE,
    optional: Sequence[str] = (),
    option: str = "--items",
) -> pd.DataFrame:
    """``item_id`` and texts (``title``) from the caller's own file of items: Parquet, or text with a header.

    Its id column is called as the log's is, or ``item_id``; its titles ``reading.title_column`` or ``title``.

    Args:
        optional: further columns, read where they are there.
        option: that named the file, for messages.

    Raises: UserError for an absent or damaged file, or one without these columns.
    """
    if not path.is_file():
        raise UserError(f"{option}: {path} must be a file of items, got none; check the path")
    is_parquet = bool(parquet.find(path))
    # The delimiter and the columns that were given are the log's; this file has its own.
    own = Reading(encoding=reading.encoding, quoting=reading.quoting)
    header = parquet.column_names(path) if is_parquet else delimited.header_of(path, own)
    asked = reading.item_column or "item_id"
    names = {"item_id": asked if asked in header else "item_id"}
    called = {text: (reading.title_column or text) if text == "title" else text for text in (*texts, *optional)}
    names |= {text: name for text, name in called.items() if text in texts or name in header}
    for name in names:
        if names[name] not in header:
            raise _absent(name, names[name], header, path, is_known=option == NEW)
    if is_parquet:
        table = parquet.read_table(path, list(dict.fromkeys(names.values())))
        table = pa.table({name: table[called] for name, called in names.items()})
    else:
        table = delimited.read_table(path, names, own)
    return items_table(table, where=str(path), text=not is_parquet)


def items_table(table: pa.Table, *, where: str, text: bool) -> pd.DataFrame:
    """``item_id`` and the texts of a table's rows that have an id."""
    ids = code_ids(table["item_id"], Place(where, "item_id"), text=text)
    known = ids.code >= 0
    found: dict[str, Any] = {"item_id": ids.values.take(ids.code[known])}
    for name in table.column_names:
        if name == "item_id":
            continue
        texts = pd.Series(_texts(table[name]))[known]
        if (zero := texts.astype(str).str.contains("\0", regex=False).to_numpy()).any():
            row = int(np.flatnonzero(known)[zero.argmax()]) + 1
            raise must_be(f"{where}, row {row}", name, "text", "a zero byte")
        found[name] = texts.to_numpy()
    return pd.DataFrame(found)


def _absent(name: str, column: str, header: Sequence[str], path: Path, *, is_known: bool) -> UserError:
    """The message for a column that a file of items has not."""
    if is_known:
        found = ", ".join(repr(one) for one in header[:20])
        return must_be(str(path), "columns", f"those of the run's items, {column!r} among them", found)
    options = {"item_id": "--item-column", "title": "--title-column"}
    return no_column(column, header, options.get(name, "--item-text"), str(path))


def _frame(table: pa.Table, ids: pd.Series) -> pd.DataFrame:
    """Ids as they are, every other column as text."""
    found = {"item_id": ids.to_numpy()}
    return pd.DataFrame(found | {name: _texts(table[name]) for name in table.column_names if name != "item_id"})


def _texts(column: pa.ChunkedArray) -> np.ndarray:
    """Any column as text, None where a value is missing: 1999 stays 1999 beside one that is."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        column = column.cast(pa.string())
    except pa.ArrowException:
        column = pa.chunked_array(
            [[None if one is None else str(one) for one in column.to_pylist()]], pa.string()
        )
    texts: np.ndarray = column.to_pandas().to_numpy(dtype=object)
    return texts


def _check_texts(texts: Sequence[str], found: Sequence[str], *, where: str) -> None:
    for name in texts:
        if name not in found:
            raise no_column(name, [one for one in found if one != "item_id"], "--item-text", where)


def titles_of(items: Ids, table: pd.DataFrame | None) -> np.ndarray | None:
    """The title of every item, in the order of their indices: the first of the table's that is not empty, or "".

    A table that names no item at all is most likely of other ids, and warned of; so are items it names twice.

    Example:
        >>> table = pd.DataFrame({"item_id": [2, 1], "title": ["Jumanji", "Toy Story"]})
        >>> titles_of(Ids(pd.Index([1, 2, 3])), table).tolist()
        ['Toy Story', 'Jumanji', '']
    """
    if table is None or "title" not in table:
        return None
    index = items.index_of(table["item_id"])
    titles = np.full(len(items), "", dtype=object)
    known = index >= 0
    if len(table) and len(items) and not known.any():
        logger.warning(
            "titles: none of the %d items is among the %d that have a title (%r is an item, %r has one); "
            "is it the right --item-column, are both spelt alike?",
            len(items),
            len(table),
            str(items.values[0])[:60],
            str(table["item_id"].iloc[0])[:60],
        )
    if repeated := int((np.bincount(index[known]) > 1).sum()):
        logger.warning("titles: %d items stand more than once; their first title counts", repeated)
    spelt = table["title"].fillna("").astype(str).to_numpy(dtype=object)
    given = np.flatnonzero(known & (spelt != ""))
    found, first = np.unique(index[given], return_index=True)
    titles[found] = spelt[given[first]]
    return titles


def titles_in(rows: Rows, item_index: np.ndarray, num_items: int) -> np.ndarray | None:
    """The title of every item from the rows of the log: the first one it has there.

    Args:
        item_index: the index of each item code, -1 for those that are in no interaction.
    """
    if rows.title is None:
        return None
    titles = np.full(num_items, "", dtype=object)
    if not len(rows.title.values):
        return titles
    index = item_index[rows.item.code]
    given = np.flatnonzero((index >= 0) & (rows.title.code >= 0))
    found, first = np.unique(index[given], return_index=True)
    titles[found] = rows.title.values.to_numpy(dtype=object)[rows.title.code[given[first]]]
    return titles
