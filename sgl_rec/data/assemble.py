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
from sgl_rec.data.clean import clean, nothing_left, tally
from sgl_rec.data.content.texts import item_texts
from sgl_rec.data.ids import Indexed, index_interactions, known_pairs
from sgl_rec.data.prepared import check_written, read_dropped, stored_splits
from sgl_rec.data.readers import find_reader
from sgl_rec.data.readers.columns import Raw, Rows, typed
from sgl_rec.data.reading import AS_IT_IS, Reading
from sgl_rec.data.split_fixed import parts_of_pairs
from sgl_rec.data.titles import TITLE, read_items, read_items_file, titles_in, titles_of
from sgl_rec.errors import UserError, must_be
from sgl_rec.types import Dataset

logger = logging.getLogger("sgl_rec")


def dataset_from_frame(frame: pd.DataFrame, *, name: str = "dataframe", reading: Reading = AS_IT_IS) -> Dataset:
    """A Dataset from a frame of the caller's own. Raises: UserError for what a reader would refuse.

    Example:
        >>> data = dataset_from_frame(pd.DataFrame({"user_id": ["ann", "bob"], "item_id": [3, 3]}))
        >>> len(data.users), len(data.items), data.name
        (2, 1, 'dataframe')
    """
    return _assemble(_rows(frame, name, reading), name=name, where=name, entry=None, reading=reading)


def dataset_from_tables(
    frame: pd.DataFrame, items: pd.DataFrame | None, *, entry: Entry, sha256: str, reading: Reading = AS_IT_IS
) -> Dataset:
    """A Dataset from tables made in memory for a catalogue entry (the demo)."""
    name = entry.name
    rows = _rows(frame, name, reading)
    return _assemble(rows, name=name, where=name, entry=entry, reading=reading, sha256=sha256, items=items)


def dataset_from_path(path: Path, *, name: str, entry: Entry | None, reading: Reading = AS_IT_IS) -> Dataset:
    """Read what lies at ``path`` (a file, or a folder of a known layout).

    Args:
        entry: the catalogue's word on this name: rule of what is positive, counts, protocols.
        reading: how, and which rows count.

    Raises: UserError for data that cannot be read, or whose counts are not the entry's.
    """
    found = find_reader(path, reading)
    if found is None:
        raise UserError(f"{path}: the path must hold interactions, got none of a known layout")
    reader, files = found
    logger.info("reading %s (%s)", path, reader.name)
    folder = path if path.is_dir() else None
    metadata = read_metadata(path) if folder else {}
    sha256 = _joined_sha256(files)
    check_written(path, metadata, found=sha256)
    rows = typed(reader.scan(files, reading), time_format=reading.time_format)
    return _assemble(
        rows,
        name=name,
        where=str(path),
        entry=entry,
        reading=reading,
        sha256=sha256,
        left_out=read_dropped(path) if folder else None,
        items=read_items(path, texts=_asked(reading)) if folder and reading.items is None else None,
        metadata=metadata,
        split_files=stored_splits(path) if folder else {},
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
    rows: Rows,
    *,
    name: str,
    where: str,
    entry: Entry | None,
    reading: Reading,
    sha256: str | None = None,
    left_out: pd.DataFrame | None = None,
    items: pd.DataFrame | None = None,
    metadata: dict[str, Any] | None = None,
    split_files: dict[str, Path] | None = None,
) -> Dataset:
    """Rows -> those that count -> pairs of indices -> the record."""
    metadata = metadata or {}
    sha256 = sha256 or _sha256_of(rows)
    read, unit = len(rows), rows.unit
    rule = entry.is_positive if entry and entry.positive else None
    if rows.rating is not None and reading.min_rating is None and rule is None:
        logger.warning(
            "%s: ratings are not looked at, every row counts; say --min-rating, "
            "or leave out the rows you do not mean",
            where,
        )
    rows, low, dropped = clean(rows, reading, is_positive=rule)
    found = index_interactions(rows, k=reading.k_core or 1)
    dropped |= {"repeated": found.repeated, "k_core": found.thinned}
    counts = tally(read, dropped, len(found.interactions))
    if not counts["kept"]:
        raise nothing_left(where, counts)
    if entry and not reading.filters:
        got = Counts(users=len(found.users), items=len(found.items), interactions=counts["kept"])
        _check_counts(entry, got, where=where)
    if reading.items is not None:
        items = read_items_file(Path(reading.items), reading, texts=_asked(reading, TITLE))
    own_titles = titles_in(rows, found.item_index, len(found.items))
    texts = None
    if reading.item_text:
        texts = item_texts(found.items, items, columns=reading.item_text, titles=own_titles, where=where)
    unit = metadata.get("timestamp_unit") or (entry.timestamp_unit if entry else None) or unit
    return Dataset(
        name=name,
        version=entry.version if entry else str(metadata.get("version", "")),
        interactions=found.interactions,
        users=found.users,
        items=found.items,
        dropped=known_pairs(low, found, ids=left_out),
        source=where,
        sha256=sha256,
        titles=own_titles if own_titles is not None else titles_of(found.items, items),
        texts=texts,
        text_columns=reading.item_text,
        timestamp_unit=str(unit) if unit and found.interactions.timestamp is not None else None,
        split_files=split_files or {},
        part=_parts(rows, found, where=where),
        protocols=entry.protocols if entry else {},
        rows=counts,
    )


def _asked(reading: Reading, always: Sequence[str] = ()) -> list[str]:
    """The columns of a table of items that are wanted, but for titles that are in the log."""
    in_log = ("title",) if reading.title_column is not None and reading.items is None else ()
    return [name for name in dict.fromkeys((*always, *reading.item_text)) if name not in in_log]


def _parts(rows: Rows, found: Indexed, *, where: str) -> np.ndarray | None:
    """The code of every pair's part, where the rows have one."""
    if rows.part is None:
        return None
    user, item = found.user_index[rows.user.code], found.item_index[rows.item.code]
    return parts_of_pairs(user, item, rows.part, found.interactions, where=where).astype(np.int8)


def _rows(frame: pd.DataFrame, where: str, reading: Reading) -> Rows:
    """The columns of a frame that ``reading`` asks for; rows are numbered anew.

    A name that is no text is asked for by its spelling.
    """
    spelt = [str(name) for name in frame.columns]
    names = reading.choose(spelt, where=where)
    columns = {inside: frame.iloc[:, spelt.index(own)] for inside, own in names.items()}
    raw = Raw(where, {inside: column.reset_index(drop=True) for inside, column in columns.items()})
    return typed(raw, time_format=reading.time_format)


def _sha256_of(rows: Rows) -> str:
    """Of what the rows say, where there is no file whose bytes could be summed."""
    digest = hashlib.sha256()
    for coded in (rows.user, rows.item):
        digest.update("\x1f".join(map(str, coded.values)).encode())
        digest.update(coded.code.astype("<i4").tobytes())
    for numbers, kind in ((rows.timestamp, "<i8"), (rows.rating, "<f8"), (rows.weight, "<f8")):
        digest.update(b"" if numbers is None else numbers.astype(kind).tobytes())
    return digest.hexdigest()


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
