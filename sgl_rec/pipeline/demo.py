"""The generated shop's items as files: what they are called, what they look like, and a few that are new."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sgl_rec.data.demo import demo_dataset_tables, demo_new_items
from sgl_rec.data.demo_pictures import item_pictures
from sgl_rec.errors import UserError
from sgl_rec.extras import needed
from sgl_rec.files import atomic_path

SIZE = 64
"""Pixels of a picture's side."""


def write_demo(out: str | Path) -> str:
    """Write ``items.csv``, ``new_items.csv`` (of none in ``demo``) and ``pictures/<item_id>.png`` of both.

    Returns: what was written, in words.

    Raises: UserError for a folder that is not empty; MissingDependencyError without Pillow.
    """
    folder = Path(out)
    images = needed("datasets demo", "PIL.Image", extra="vision")
    _, items = demo_dataset_tables()
    new = demo_new_items()
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UserError(f"{folder}: must be a new or an empty folder, got one with files; choose another")
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        for name, table in (("items.csv", items), ("new_items.csv", new)):
            with atomic_path(folder / name) as temporary:
                table.to_csv(temporary, index=False, lineterminator="\n")
        both = pd.concat([items, new], ignore_index=True)
        for item, picture in zip(both["item_id"], item_pictures(both, size=SIZE), strict=True):
            images.fromarray(picture).save(folder / "pictures" / f"{item}.png")
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); choose another folder") from error
    return f"{folder}: {len(items):,} items, {len(new)} new ones, {len(both):,} pictures"
