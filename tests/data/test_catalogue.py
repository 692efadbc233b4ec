from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sgl_rec.data.catalogue import catalogue, entry_of, names, read_entry, read_me
from sgl_rec.data.readers import READERS
from sgl_rec.errors import UserError

GOOD = """
name = "shop"
version = "1"
title = "A shop"
format = "delimited"
licence = "CC0"
verified = false
files = ["interactions.csv"]
[counts]
users = 1
items = 2
interactions = 3
"""


def write(folder: Path, text: str) -> Path:
    (folder / "shop").mkdir()
    file = folder / "shop" / "dataset.toml"
    file.write_text(text)
    return file


def test_the_entries_that_ship() -> None:
    assert names()[0] == "demo"
    assert set(names()[1:]) == {
        *("ml-1m", "gowalla", "yelp2018", "amazon-book", "alibaba-ifashion", "movietweetings")
    }


@pytest.mark.parametrize("name", names())
def test_an_entry_is_whole(name: str) -> None:
    entry = entry_of(name)
    assert entry.format in ("generated", *(reader.name for reader in READERS))
    assert bool(entry.sources) == (entry.format != "generated")
    assert entry.verified == (not entry.sources), "no address has been tried yet"
    archives = [source for source in entry.sources if source.is_archive]
    assert archives or {source.file for source in entry.sources} == set(entry.files)
    readme = read_me(name)
    assert readme.startswith(f"# {name}\n")
    for count in entry.counts.model_dump().values():
        assert f"{count:,}" in readme


def test_protocols() -> None:
    assert entry_of("ml-1m").protocols == {"lightgcnpp": ("train",)}
    assert entry_of("gowalla").protocols == {"standard": ("train", "valid")}


@pytest.mark.parametrize(("rule", "kept"), [("rating >= 3", [3.0, 4.0]), ("rating > 3", [4.0])])
def test_positive(rule: str, kept: list[float]) -> None:
    rating = pd.Series([1.0, 3.0, 4.0, float("nan")])
    entry = entry_of("ml-1m").model_copy(update={"positive": rule})
    assert rating[entry.is_positive(rating)].tolist() == kept


def test_unknown_name() -> None:
    with pytest.raises(UserError, match="did you mean 'ml-1m'"):
        entry_of("ml1m")
    with pytest.raises(UserError):
        read_me("ml1m")


def test_read(tmp_path: Path) -> None:
    assert read_entry(write(tmp_path, GOOD)).counts.items == 2
    catalogue.cache_clear()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("licence", "lisence", "licence: Field required"),
        ("files =", "positve = 'x'\nfiles =", "positve: .*; did you mean 'positive'"),
        ('"shop"', '"other"', "name must be the folder's"),
        ("users = 1", "users = 'many'", "counts.users"),
        ("files =", "positive = 'rating = 3'\nfiles =", "positive"),
        ("[counts]", "[[sources]]\nurl = 'file:///etc'\nfile = 'x'\n[counts]", "sources.0.url"),
        ("[counts]", "[[sources]]\nurl = 'http://a/b'\nfile = '../x'\n[counts]", "sources.0.file"),
        ("[counts]", "[counts", "readable TOML"),
        ("files =", "#", "files must name"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_entry(write(tmp_path, GOOD.replace(old, new, 1)))
