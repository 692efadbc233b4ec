"""A catalogue entry's addresses to a prepared folder, in place as a whole or not at all."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from sgl_rec.data.assemble import dataset_from_path
from sgl_rec.data.catalogue import Entry
from sgl_rec.data.download import download
from sgl_rec.data.prepared import write_prepared
from sgl_rec.data.readers import READERS, Reader, find_reader
from sgl_rec.data.titles import read_items
from sgl_rec.data.unpack import Limits, unpack
from sgl_rec.errors import UserError
from sgl_rec.files import atomic_folder

logger = logging.getLogger("sgl_rec")


def fetch(entry: Entry, root: Path, *, max_bytes: int = 1 << 30, timeout: float = 20.0) -> Path:
    """Download, verify, unpack, convert and check a data set; returns ``root / entry.name``.

    A folder that already holds the data is left as it is. On any failure nothing is left behind.

    Args:
        max_bytes: of each file that is downloaded, and four times that of what an archive unpacks to.
        timeout: seconds the server may be silent.

    Raises: UserError for data that has no address, an address that cannot be reached, and files that are not
        what the catalogue says.
    """
    target = Path(root) / entry.name
    if find_reader(target):
        logger.info("%s is already there", target)
        return target
    if not entry.sources:
        raise UserError(f"datasets fetch: {entry.name!r} has no address; it is {entry.format}")
    try:
        with atomic_folder(target) as folder:
            scratch = folder / "download"
            scratch.mkdir()
            checksums = _download(entry, scratch, max_bytes=max_bytes, timeout=timeout)
            _convert(entry, *_locate(entry, scratch), folder, checksums)
            shutil.rmtree(scratch)
            dataset_from_path(folder, name=entry.name, entry=entry)  # reads, and so checks the counts
    except UserError:
        if find_reader(target):  # another process was faster
            return target
        raise
    logger.info("%s is in %s", entry.name, target)
    return target


def _download(entry: Entry, scratch: Path, *, max_bytes: int, timeout: float) -> dict[str, str]:
    """Fetch and unpack every source below ``scratch``; address -> sha256."""
    checksums = {}
    for source in entry.sources:
        path = scratch / source.file
        checksums[source.url] = download(
            source.url, path, sha256=source.sha256, max_bytes=max_bytes, timeout=timeout
        )
        if source.is_archive:
            inside = scratch / f"{source.file}.d"
            inside.mkdir()
            unpack(path, inside, limits=Limits(max_bytes=4 * max_bytes))
    return checksums


def _locate(entry: Entry, scratch: Path) -> tuple[Reader, tuple[Path, ...]]:
    """The files of the entry's format among what was fetched."""
    (reader,) = (reader for reader in READERS if reader.name == entry.format)
    for folder in [scratch, *sorted(path for path in scratch.rglob("*") if path.is_dir())]:
        if (files := reader.find(folder)) and all((folder / name).is_file() for name in entry.files):
            return reader, files
    raise UserError(f"{entry.sources[0].url}: must hold {', '.join(entry.files)}, got other files")


def _convert(
    entry: Entry, reader: Reader, files: tuple[Path, ...], folder: Path, checksums: dict[str, str]
) -> None:
    frame = reader.read(files)
    metadata = {
        "name": entry.name,
        "version": entry.version,
        "title": entry.title,
        "source": list(checksums),
        "sha256": checksums,
        "licence": entry.licence,
        **entry.counts.model_dump(),
        "positive": entry.positive,
        "timestamp_unit": entry.timestamp_unit,
    }
    splits = {"standard": frame} if "part" in frame else None
    write_prepared(folder, frame, items=read_items(files[0].parent), splits=splits, metadata=metadata)
