"""similar: the nearest items of an item, with the caller's ids."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sgl_rec.errors import UserError, one_line
from sgl_rec.export.neighbours import similar
from sgl_rec.pipeline.content.new_items import Placing
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.types import RankedLists


def similar_run(
    folder: RunFolder, items: Sequence[object], *, k: int = 10, new_items: Placing | None = None
) -> RankedLists:
    """The k nearest other items of each of ``items`` by cosine of their final embeddings.

    An item that nobody has touched stands where its content has put it, as ``new_items`` do.

    Raises: UserError for an item the run does not know, and for a run without embeddings.
    """
    ids = folder.data.items if new_items is None else new_items.items
    index = ids.index_of(list(items))
    missing = [repr(item) for item, place in zip(items, index, strict=True) if place < 0]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        like = ", ".join(ids.values[:3].astype(str))
        raise UserError(
            one_line(f"similar: item must be known to the run, got {shown}; its ids look like {like}")
        )
    table = folder.embeddings()
    if new_items is not None:
        table = new_items.embeddings(table)
    return similar(table.item, torch.from_numpy(index), k=min(k, len(ids)))
