from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from sgl_rec.data.catalogue import Counts, Entry, Source, entry_of
from sgl_rec.data.fetch import fetch
from sgl_rec.data.load import load_dataset
from sgl_rec.data.splits import make_split
from sgl_rec.errors import UserError

RATINGS = b"1::10::5::7\n1::20::2::8\n2::20::3::9\n"
MOVIES = "10::Amélie::\n20::Twenty::\n".encode("latin-1")


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def movielens(server: Any, content: bytes, *, sha256: str | None = None, interactions: int = 2) -> Entry:
    """ml-1m's entry, its archive on the local server."""
    server.files["/ml.zip"] = content
    source = Source(url=f"{server.address}/ml.zip", file="ml-1m.zip", sha256=sha256)
    counts = Counts(users=2, items=2, interactions=interactions)
    return entry_of("ml-1m").model_copy(update={"sources": (source,), "counts": counts})


def test_an_archive_becomes_the_prepared_form(server: Any, tmp_path: Path) -> None:
    content = archive(**{"ml-1m/ratings__dat": RATINGS, "ml-1m/movies__dat": MOVIES, "ml-1m/README": b""})
    entry = movielens(server, content, sha256=hashlib.sha256(content).hexdigest())
    folder = fetch(entry, tmp_path / "root")
    assert folder == tmp_path / "root" / "ml-1m"
    names = {path.name for path in folder.iterdir()}
    assert names == {"interactions.parquet", "items.parquet", "dataset.json"}
    assert [path.name for path in folder.parent.iterdir()] == ["ml-1m"]
    metadata = json.loads((folder / "dataset.json").read_text())
    assert metadata["sha256"] == {entry.sources[0].url: entry.sources[0].sha256}
    assert (metadata["users"], metadata["positive"]) == (2, "rating >= 3")
    server.files.clear()
    assert fetch(entry, tmp_path / "root") == folder, "what is there is not fetched again"


def test_text_parts_become_a_split(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files |= {"/train.txt": b"0 1 2 3\n1 1\n", "/test.txt": b"0 4\n1 2\n"}
    sources = tuple(Source(url=f"{server.address}/{name}", file=name) for name in ("train.txt", "test.txt"))
    counts = Counts(users=2, items=4, interactions=6)
    entry = entry_of("gowalla").model_copy(update={"sources": sources, "counts": counts})
    monkeypatch.setattr("sgl_rec.data.load.catalogue", lambda: {"gowalla": entry})
    data = load_dataset("gowalla", search=[tmp_path])
    split = make_split(data, name="standard")
    assert [len(part) for part in split.parts().values()] == [3, 1, 2, 0]
    assert data.source == str(tmp_path / "gowalla")


WHOLE = archive(ratings__dat=RATINGS, movies__dat=MOVIES)


@pytest.mark.parametrize(
    ("content", "changes", "limits", "message"),
    [
        (WHOLE, {"sha256": "0" * 64}, {}, "sha256 must be 000"),
        (WHOLE[:-30], {}, {}, "must be a whole zip or tar file"),
        (WHOLE, {}, {"max_bytes": 50}, "at most 50 bytes"),
        (archive(**{"../evil": b"", "ratings__dat": RATINGS}), {}, {}, "a path inside the archive"),
        (archive(ratings__dat=RATINGS), {}, {}, "must hold ratings.dat, movies.dat"),
        (archive(ratings__dat=b"1::2\n1", movies__dat=MOVIES), {}, {}, "ratings.dat, line 2"),
        (WHOLE, {"interactions": 3}, {}, "2 users, 2 items, 3 interactions, got 2, 2, 2"),
    ],
)
def test_nothing_is_left_of_a_failure(
    server: Any, tmp_path: Path, content: bytes, changes: Any, limits: Any, message: str
) -> None:
    entry = movielens(server, content, **changes)
    with pytest.raises(UserError, match=message):
        fetch(entry, tmp_path / "root", **limits)
    assert [path.name for path in tmp_path.rglob("*")] == ["root"]


def test_not_found_and_refused(server: Any, tmp_path: Path) -> None:
    entry = movielens(server, WHOLE)
    server.files.clear()
    with pytest.raises(UserError, match="answered 404"):
        fetch(entry, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_address(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'demo' has no address"):
        fetch(entry_of("demo"), tmp_path)


def test_a_root_that_cannot_be_written(server: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        fetch(movielens(server, WHOLE), tmp_path / "file")
