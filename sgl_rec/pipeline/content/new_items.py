"""Items that a run has never seen: described in a file, placed by the run's tower, behind its own items."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sgl_rec.config import Content
from sgl_rec.data.content.texts import item_texts
from sgl_rec.data.titles import NEW, TITLE, read_items_file
from sgl_rec.encoders.content_tower import Placed
from sgl_rec.errors import must_be, one_line
from sgl_rec.pipeline.content.encode import read_content
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.place import make_tower
from sgl_rec.pipeline.content.placement import Placement
from sgl_rec.pipeline.prepare import reading_of
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.training.checkpoint import load_module
from sgl_rec.types import Embeddings, Ids

log = logging.getLogger("sgl_rec")


@dataclass(frozen=True, eq=False)
class Placing:
    """A run's items with new ones behind them.

    Args:
        placement: of all of them; every new item is cold.
        number: of new items, the last ones.
    """

    items: Ids
    titles: np.ndarray | None
    placement: Placement
    number: int

    @property
    def is_new(self) -> Tensor:
        """Shape (J,)."""
        return torch.arange(len(self.items)) >= len(self.items) - self.number

    def embeddings(self, learnt: Embeddings) -> Embeddings:
        """The run's, with a row for each new item."""
        width = learnt.item.shape[1]
        return self.placement.embeddings(
            Embeddings(learnt.user, torch.cat([learnt.item, torch.zeros(self.number, width)]))
        )


def place_new_items(
    folder: RunFolder,
    path: Path,
    *,
    images: str | Path | None = None,
    features: Sequence[str | Path] = (),
) -> Placing:
    """Read and place the items of a file.

    Args:
        path: a file of items, with the columns whose texts the run has learnt from.
        images, features: of the new items; by default where the run's own were, which may hold theirs too.

    Raises: UserError for a run without content, a file that cannot be read, and one without an item that is new
        and described; items that are not are named in a warning.
    """
    stored, settings, content = folder.data, folder.config.content, folder.content
    placement = folder.placement()
    if settings is None or content is None or placement is None:
        advice = "train one with --item-text COLUMNS, --item-images FOLDER or --item-features FILE"
        raise must_be(str(folder.path), "the run", "one with content and embeddings", "one without", advice)
    if images is not None and settings.images is None:
        raise must_be("--item-images", "it", "left out: the run knows no pictures", repr(str(images)))
    if features and len(features) != len(settings.features):
        rule = f"as many files as for the run, {len(settings.features)}"
        raise must_be("--item-features", "it", rule, ", ".join(map(str, features)))
    table = _table(folder, path, settings)
    spelt = table["item_id"].astype(str)
    _left_out(spelt[spelt.duplicated()], "stand more than once in the file; their first row counts")
    table = table[~spelt.duplicated().to_numpy()]
    known = stored.items.index_of(table["item_id"]) >= 0
    _left_out(table["item_id"][known], "are items of the run already and keep their places there")
    table = table[~known]
    if not len(table):
        raise must_be(f"--new-items {path}", "items", "new to the run, one or more", "none")
    new = Ids(_index(stored.items, list(table["item_id"])))
    update: dict[str, Any] = {"features": tuple(map(str, features)) or settings.features}
    update["images"] = settings.images if images is None else str(images)
    texts = item_texts(new, table, columns=settings.text, where=str(path)) if settings.text else None
    found = read_content(settings.model_copy(update=update), new, texts, kept=content)
    for note in found.notes:
        log.warning("%s", note)
    for number, name in enumerate(found.blocks):
        without = found.described & ~found.known[:, number]
        _left_out(new.values[without.numpy()], f"have nothing for {name} and are placed by the rest")
    described = found.described.numpy()
    _left_out(new.values[~described], f"have no content ({', '.join(found.blocks)}) and are left out")
    if not described.any():
        raise must_be(f"--new-items {path}", "items", "with content the run can read, one or more", "none")
    placed = _placed(folder, content, placement, found)
    titles = _titles(stored.titles, new, table)
    items = Ids(stored.items.values.append(new.values[described]))
    keep = found.described
    return Placing(
        items,
        None if titles is None else np.concatenate([stored.titles, titles[described]]),
        replace(
            placement,
            placed=Placed(
                torch.cat([placement.placed.place, placed.place[keep]]),
                torch.cat([placement.placed.popularity, placed.popularity[keep]]),
            ),
            cold=torch.cat([placement.cold, torch.ones(int(keep.sum()), dtype=torch.bool)]),
            warm=torch.cat([placement.warm, torch.zeros(int(keep.sum()), dtype=torch.bool)]),
        ),
        int(keep.sum()),
    )


def _table(folder: RunFolder, path: Path, settings: Content) -> pd.DataFrame:
    """``item_id`` and the texts of the file, ``title`` too where it has one."""
    reading = reading_of(folder.config.data)
    return read_items_file(path, reading, texts=settings.text, option=NEW, optional=TITLE)


def _index(known: Ids, ids: Sequence[object]) -> pd.Index[Any]:
    """Ids of the kind that the run's are. Raises: UserError for a text where these are integers."""
    if not known.is_integer:
        return pd.Index([str(one) for one in ids], dtype=object)
    wrong = [one for one in ids if not isinstance(one, int | np.integer)]
    if wrong:
        rule = "whole numbers, as those of the run"
        raise must_be("--new-items", "ids of items", rule, repr(wrong[0]), "correct the file")
    return pd.Index(np.array(ids, np.int64))


def _placed(folder: RunFolder, content: ItemContent, placement: Placement, found: ItemContent) -> Placed:
    """What the run's tower makes of content."""
    assert folder.config.content is not None
    width = placement.placed.place.shape[1]
    tower = make_tower(folder.config.content, content, embedding_dim=width, seed=folder.config.training.seed)
    load_module(tower, placement.parameters, where=folder.model_file)
    tower.eval()
    with torch.no_grad():
        placed: Placed = tower(found.rows, found.known)
    return placed


def _titles(known: np.ndarray | None, new: Ids, table: pd.DataFrame) -> np.ndarray | None:
    if known is None:
        return None
    if "title" not in table:
        return np.full(len(new), "", dtype=object)
    return item_texts(new, table, columns=["title"], where="")


def _left_out(ids: Sequence[object] | pd.Series | pd.Index[Any], why: str) -> None:
    """One line for items of which the same is to be said."""
    if len(ids):
        shown = ", ".join(map(str, list(ids)[:3])) + (", ..." if len(ids) > 3 else "")
        log.warning("%s", one_line(f"--new-items: {len(ids)} ({shown}) {why}"))
