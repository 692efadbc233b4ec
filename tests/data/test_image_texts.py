"""Pairs of an image and a text."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from sgl_rec.data.image_texts import read_image_texts
from sgl_rec.errors import UserError

image = pytest.importorskip("PIL.Image")
GREY = {"black": 0, "grey": 120, "white": 255}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for name, value in GREY.items():
        image.new("L", (6, 6), value).save(tmp_path / "in" / f"{name}.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no image")
    return tmp_path


def table(folder: Path, *rows: str, name: str = "pairs.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


def test_pairs_are_in_the_order_of_the_table(folder: Path) -> None:
    path = table(folder, "text,image", "snow,in/white.png", "coal,in/black.png", "milk,in/white.png")
    pairs = read_image_texts(path, size=2, num_channels=1)
    assert (len(pairs), pairs.text, pairs.label) == (3, ("snow", "coal", "milk"), None)
    assert pairs.names == ("in/white.png", "in/black.png", "in/white.png")
    assert len(pairs.pixels) == 2  # one of them twice
    assert pairs.pixels[pairs.place][:, 0, 0, 0].tolist() == [255, 0, 255]
    inverted = read_image_texts(path, size=2, num_channels=1, invert=True)
    assert inverted.pixels[inverted.place][:, 0, 0, 0].tolist() == [0, 255, 0]


def test_what_is_no_pair_is_left_out_and_named(folder: Path) -> None:
    rows = (
        "a,in/white.png,bright",
        "b,in/broken.png,lost",
        "c,in/none.png,lost",
        "d,../x.png,lost",
        " ,in/grey.png,",
    )
    path = table(folder, "text,image,kind", *rows, "e,/etc/hosts,lost", "f,in/black.png,dark")
    pairs = read_image_texts(path, size=2, label_column="kind")
    assert pairs.text == ("a", "f")
    assert pairs.classes == ("bright", "dark")
    assert pairs.label is not None
    assert pairs.label.tolist() == [0, 1]
    assert [line.rpartition("got ")[2] for line in pairs.left_out] == [
        "an empty one", "no picture of a known kind", "no such file", *["a path that leads out of the folder"] * 2
    ]  # fmt: skip
    assert "line 6" in pairs.left_out[0]
    assert "in/broken.png" in pairs.left_out[1]


def test_images_may_lie_in_a_zip_file(folder: Path) -> None:
    with zipfile.ZipFile(folder / "i.zip", "w") as archive:
        archive.write(folder / "in" / "grey.png", "grey.png")
    path = table(folder, "grey.png\tfog", "fog.png\tfog", name="pairs.tsv")
    pairs = read_image_texts(path, size=2, images=folder / "i.zip", columns=("image", "text"))
    assert pairs.names == ("grey.png",)
    assert "no such file" in pairs.left_out[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("picture,text", "in/white.png,a"), "its columns must be one called 'image', got picture, text"),
        (
            ("image,text", "in/none.png,a"),
            r"in/none.png: image must be readable, got no such file \(and so all 1",
        ),
        (("image,text", "in/white.png,"), "text must be a text, got an empty one"),
    ],
)
def test_where_nothing_is_left(folder: Path, rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_image_texts(table(folder, *rows), size=2)
