"""The text of each item: columns of a table of items, joined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sgl_rec.errors import must_be
from sgl_rec.types import Ids


def item_texts(
    items: Ids,
    table: pd.DataFrame | None,
    *,
    columns: Sequence[str],
    titles: np.ndarray | None = None,
    where: str,
) -> np.ndarray:
    """One text an item, in the order of their indices: its columns joined, "" where the table has nothing.

    Of an item that stands in the table more than once, the first row counts. A vertical bar within a value
    separates words of a list, as in MovieLens' genres.

    Args:
        table: ``item_id`` and the columns; None where there are titles alone.
        columns: which of them, in this order.
        titles: of every item, where the log itself has them: then they are the column ``title``.
        where: the data, for messages.

    Raises: UserError where there is no such column.

    Example:
        >>> table = pd.DataFrame({"item_id": [2, 1], "title": ["Jumanji", "Toy Story"], "kind": ["Fun|Play", ""]})
        >>> item_texts(Ids(pd.Index([1, 2, 3])), table, columns=["title", "kind"], where="films").tolist()
        ['Toy Story', 'Jumanji. Fun, Play', '']
    """
    index = np.empty(0, np.int64) if table is None else items.index_of(table["item_id"])
    sides = []
    for name in columns:
        values = np.full(len(items), "", dtype=object)
        if name == "title" and titles is not None:
            values[:] = titles
        elif table is not None and name in table:
            known = np.flatnonzero(index >= 0)[::-1]  # backwards, so that the first row stays
            values[index[known]] = table[name].fillna("").astype(str).to_numpy(dtype=object)[known]
        else:
            there = [] if table is None else [repr(one) for one in table.columns if one != "item_id"]
            advice = "name a file of items that has it (--items FILE), or the log's own (--title-column)"
            got = ", ".join(there[:20]) or "nothing"
            raise must_be(where, "items", f"described by {name!r}", got, advice)
        sides.append([value.replace("|", ", ").strip() for value in values])
    texts = np.empty(len(items), dtype=object)
    texts[:] = [". ".join(filter(None, parts)) for parts in zip(*sides, strict=True)]
    return texts
