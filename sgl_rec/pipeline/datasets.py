"""datasets: the catalogue, where each set is on this machine, and the fetch of one that is not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sgl_rec.data.catalogue import Entry, catalogue, entry_of, read_me
from sgl_rec.data.fetch import fetch
from sgl_rec.data.load import cache_folder, locate
from sgl_rec.errors import UserError


@dataclass(frozen=True)
class Listed:
    """A catalogue entry and where it was found."""

    entry: Entry
    path: Path | None

    @property
    def state(self) -> str:
        """Where the data is."""
        if self.entry.format == "generated":
            return "generated"
        return "to fetch" if self.path is None else str(self.path)

    @property
    def address(self) -> str:
        """What its address is worth: whether somebody has fetched the data from it."""
        if not self.entry.sources:
            return "none"
        return "verified" if self.entry.verified else "unverified"


def list_datasets() -> list[Listed]:
    """Every data set of the catalogue."""
    return [Listed(entry, locate(name)) for name, entry in catalogue().items()]


def describe_dataset(name: str) -> str:
    """What the catalogue knows of one data set, for people. Raises: UserError for an unknown name."""
    entry = entry_of(name)
    counts = entry.counts
    lines = [
        f"{entry.title} ({entry.name}@{entry.version})",
        f"counts   {counts.users:,} users, {counts.items:,} items, {counts.interactions:,} interactions",
        f"licence  {entry.licence}",
        *(f"source   {source.url} ({Listed(entry, None).address})" for source in entry.sources),
        f"here     {Listed(entry, locate(name)).state}",
        *(
            f"split    {split}: {', '.join(parts)} items leave the ranking at test"
            for split, parts in entry.protocols.items()
        ),
    ]
    return "\n".join([*lines, "", read_me(name).strip()])


def fetch_dataset(name: str) -> str:
    """Download a data set into the user cache, unless it is there, and say where it is.

    Raises: UserError when that fails.
    """
    entry = entry_of(name)
    if entry.format == "generated":
        return f"{name} is generated: there is nothing to fetch"
    if (here := locate(name)) is not None:
        return str(here)
    try:
        return str(fetch(entry, cache_folder()))
    except UserError as error:
        by_hand = f"by hand: put {' and '.join(entry.files)} into {cache_folder() / name}"
        raise UserError(f"{error}; {by_hand}") from error
