"""One text per item, from ``items.parquet`` or MovieLens' ``movies.dat``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sgl_rec.data.readers import movielens, parquet
from sgl_rec.errors import UserError
from sgl_rec.types import Ids


def read_items(folder: Path) -> pd.DataFrame | None:
    """``item_id`` and ``title`` of the items a folder describes, or None where it describes none.

    Raises: UserError for a damaged file, or one without ``item_id``.
    """
    table, movies = folder / "items.parquet", folder / "movies.dat"
    if table.is_file():
        names = parquet.column_names(table)
        if "item_id" not in names:
            raise UserError(f"{table}: columns must be item_id and optionally title, got {', '.join(names)}")
        return parquet.read_columns(table, ["item_id", "title"]) if "title" in names else None
    return movielens.read_movies(movies) if movies.is_file() else None


def titles_of(items: Ids, table: pd.DataFrame | None) -> np.ndarray | None:
    """The title of every item, in the order of their indices; "" where the table has none.

    Example:
        >>> table = pd.DataFrame({"item_id": [2, 1], "title": ["Jumanji", "Toy Story"]})
        >>> titles_of(Ids(pd.Index([1, 2, 3])), table).tolist()
        ['Toy Story', 'Jumanji', '']
    """
    if table is None:
        return None
    index = items.index_of(table["item_id"])
    titles = np.full(len(items), "", dtype=object)
    known = index >= 0
    titles[index[known]] = table["title"].fillna("").astype(str).to_numpy(dtype=object)[known]
    return titles
