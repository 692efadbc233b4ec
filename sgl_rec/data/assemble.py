"""A frame, or a folder that holds data, to a Dataset, checked against its catalogue entry."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgl_rec.data.catalogue import Counts, Entry
from sgl_rec.data.ids import index_interactions, known_pairs
from sgl_rec.data.prepared import check_written, read_dropped
from sgl_rec.data.readers import find_reader
from sgl_rec.data.readers.columns import tidy
from sgl_rec.data.split_fixed import part_codes
from sgl_rec.data.titles import read_items, titles_of
from sgl_rec.errors import UserError, must_be
from sgl_rec.types import Dataset, Ids, Interactions

logger = logging.getLogger("sgl_rec")


def dataset_from_frame(frame: pd.DataFrame, *, name: str = "dataframe") -> Dataset:
    """A Dataset from a frame of the caller's own. Raises: UserError for what a reader would refuse.

    Example:
        >>> data = dataset_from_frame(pd.DataFrame({"user_id": ["ann", "bob"], "item_id": [3, 3]}))
        >>> len(data.users), len(data.items), data.name
        (2, 1, 'dataframe')
    """
    tidied = tidy(frame, where=name)
    hashed = pd.util.hash_pandas_object(tidied, index=False).to_numpy()
    digest = hashlib.sha256(hashed.astype("<u8").tobytes()).hexdigest()
    return _assemble(tidied, name=name, where=name, entry=None, sha256=digest, items=None)


def dataset_from_tables(frame: pd.DataFrame, items: pd.DataFrame | None, *, entry: Entry, sha256: str) -> Dataset:
    """A Dataset from tables made in memory for a catalogue entry (the demo)."""
    tidied = tidy(frame, where=entry.name)
    return _assemble(tidied, name=entry.name, where=entry.name, entry=entry, sha256=sha256, items=items)


def dataset_from_path(path: Path, *, name: str, entry: Entry | None) -> Dataset:
    """Read what lies at ``path`` (a file, or a folder of a known layout).

    Args:
        entry: the catalogue's word on this name: rule of what is positive, counts, protocols.

    Raises: UserError for data that cannot be read, or whose counts are not the entry's.
    """
    found = find_reader(path)
    if found is None:
        raise UserError(f"{path}: the path must hold interactions, got none of a known layout")
    reader, files = found
    logger.info("reading %s (%s)", path, reader.name)
    frame = reader.read(files)
    folder = path if path.is_dir() else None
    metadata = read_metadata(path) if folder else {}
    sha256 = _joined_sha256(files)
    check_written(path, metadata, found=sha256)
    return _assemble(
        frame,
        name=name,
        where=str(path),
        entry=entry,
        sha256=sha256,
        dropped=read_dropped(path) if folder else None,
        items=read_items(path) if folder else None,
        metadata=metadata,
        split_files=_split_files(path) if folder else {},
    )


def read_metadata(folder: Path) -> dict[str, Any]:
    """``dataset.json`` of a folder, {} where there is none. Raises: UserError if it is no JSON object."""
    file = folder / "dataset.json"
    if not file.is_file():
        return {}
    try:
        metadata = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{file}: the file must be readable JSON ({error})") from error
    if not isinstance(metadata, dict):
        raise must_be(str(file), "the file", "a JSON object", type(metadata).__name__)
    return metadata


def _assemble(
    frame: pd.DataFrame,
    *,
    name: str,
    where: str,
    entry: Entry | None,
    sha256: str,
    items: pd.DataFrame | None,
    dropped: pd.DataFrame | None = None,
    metadata: dict[str, Any] | None = None,
    split_files: dict[str, Path] | None = None,
) -> Dataset:
    positive, others = frame, frame.iloc[:0]
    if entry and entry.positive and "rating" in frame:
        keep = entry.is_positive(frame["rating"])
        positive, others = frame[keep], frame[~keep]
        if positive.empty:
            raise must_be(where, "the data", f"at least one row with {entry.positive}", "none")
    elif "rating" in frame:
        logger.warning(
            "%s: ratings are not looked at, every row counts; leave out the rows you do not mean", where
        )
    if dropped is not None:
        others = pd.concat([others, dropped], ignore_index=True)
    users, item_ids, interactions = index_interactions(positive)
    if entry:
        got = Counts(users=len(users), items=len(item_ids), interactions=len(interactions))
        _check_counts(entry, got, where=where)
    metadata = metadata or {}
    unit = metadata.get("timestamp_unit") or (entry.timestamp_unit if entry else None)
    return Dataset(
        name=name,
        version=entry.version if entry else str(metadata.get("version", "")),
        interactions=interactions,
        users=users,
        items=item_ids,
        dropped=known_pairs(others, users, item_ids, but=interactions),
        source=where,
        sha256=sha256,
        titles=titles_of(item_ids, items),
        timestamp_unit=str(unit) if unit and interactions.timestamp is not None else None,
        split_files=split_files or {},
        part=_parts(positive, users, item_ids, interactions, where=where),
        protocols=entry.protocols if entry else {},
    )


def _parts(frame: pd.DataFrame, users: Ids, items: Ids, pairs: Interactions, *, where: str) -> np.ndarray | None:
    return part_codes(frame, users, items, pairs, where=where).astype(np.int8) if "part" in frame else None


def _check_counts(entry: Entry, got: Counts, *, where: str) -> None:
    if got != entry.counts:
        expected = entry.counts
        raise must_be(
            where,
            f"{entry.name}'s counts",
            f"{expected.users} users, {expected.items} items, {expected.interactions} interactions",
            f"{got.users}, {got.items}, {got.interactions}",
            f"the files are incomplete or another version; if this is other data, do not call it {entry.name!r}",
        )


def _joined_sha256(files: Sequence[Path]) -> str:
    """SHA-256 of the files' bytes, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _split_files(folder: Path) -> dict[str, Path]:
    prefix = "split_"
    return {file.stem.removeprefix(prefix): file for file in sorted(folder.glob(f"{prefix}*.parquet"))}
