"""The prepared form on disk: what a fetch writes, and what is read fastest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sgl_rec.data.readers.columns import COLUMNS
from sgl_rec.files import atomic_path, write_text


def write_prepared(
    folder: Path,
    interactions: pd.DataFrame,
    *,
    items: pd.DataFrame | None = None,
    splits: Mapping[str, pd.DataFrame] | None = None,
    metadata: Mapping[str, object] | None = None,
) -> None:
    """Write ``interactions.parquet``, and ``items.parquet``, ``split_<name>.parquet``, ``dataset.json``.

    Args:
        interactions: as a reader hands it on; columns that are none of a reader's are left out.
        items: ``item_id``, ``title`` and whatever else is known.
        splits: name -> ``user_id``, ``item_id``, ``part`` (train, valid or test).
        metadata: what ``dataset.json`` says: source, sha256, licence, counts, timestamp_unit.

    Raises: UserError when the folder cannot be written.
    """
    _write_table(folder / "interactions.parquet", interactions[[c for c in COLUMNS if c in interactions]])
    if items is not None:
        _write_table(folder / "items.parquet", items)
    for name, parts in (splits or {}).items():
        table = parts[["user_id", "item_id", "part"]].astype({"part": "category"})
        _write_table(folder / f"split_{name}.parquet", table)
    write_text(folder / "dataset.json", json.dumps(dict(metadata or {}), indent=1, ensure_ascii=False) + "\n")


def _write_table(path: Path, table: pd.DataFrame) -> None:
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)
