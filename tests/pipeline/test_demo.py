"""The generated shop's items as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgl_rec.data.demo import ATTRIBUTES, demo_dataset_tables, demo_new_items
from sgl_rec.data.images import read_images
from sgl_rec.errors import UserError
from sgl_rec.pipeline.demo import write_demo

pytest.importorskip("PIL")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "new" / "shop"
    assert write_demo(folder) == f"{folder}: 1,000 items, 12 new ones, 1,012 pictures"
    return folder


def test_what_is_written(written: Path) -> None:
    assert sorted(path.name for path in written.iterdir()) == ["items.csv", "new_items.csv", "pictures"]
    items = pd.read_csv(written / "items.csv")
    pd.testing.assert_frame_equal(items, demo_dataset_tables()[1], check_dtype=False)
    new = pd.read_csv(written / "new_items.csv")
    pd.testing.assert_frame_equal(new, demo_new_items(), check_dtype=False)
    assert list(new.columns) == list(items.columns) == ["item_id", "title", *ATTRIBUTES]


def test_new_items_are_new(written: Path) -> None:
    items, new = (pd.read_csv(written / f"{name}.csv") for name in ("items", "new_items"))
    both = pd.concat([items, new])
    assert not both["item_id"].duplicated().any()
    assert not both.duplicated(list(ATTRIBUTES)).any()
    assert not both["title"].duplicated().any()
    assert not demo_dataset_tables()[0]["item_id"].isin(new["item_id"]).any()
    assert demo_new_items(3).equals(demo_new_items(12).head(3))


def test_a_picture_of_each(written: Path) -> None:
    images = read_images(written / "pictures", size=8)
    ids = pd.concat([pd.read_csv(written / f"{name}.csv")["item_id"] for name in ("items", "new_items")])
    assert sorted(int(name.removesuffix(".png")) for name in images.names) == sorted(ids)
    assert images.unreadable == ()
    image = pytest.importorskip("PIL.Image")
    with image.open(written / "pictures" / "1001.png") as one:
        assert one.size == (64, 64)


def test_the_same_again(written: Path, tmp_path: Path) -> None:
    write_demo(tmp_path)  # an empty folder will do
    for name in ("items.csv", "new_items.csv", "pictures/1.png", "pictures/1012.png"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


@pytest.mark.parametrize("inside", ["a.txt", ".hidden"])
def test_a_folder_with_files_is_left_alone(inside: str, tmp_path: Path) -> None:
    (tmp_path / inside).write_text("mine")
    with pytest.raises(UserError, match="must be a new or an empty folder, got one with files; choose another"):
        write_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [inside]


def test_places_that_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="must be a new or an empty folder"):
        write_demo(tmp_path / "file")
    with pytest.raises(UserError, match="cannot be written"):
        write_demo(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"


def test_pictures_differ_where_items_do(written: Path) -> None:
    pixels = read_images(written / "pictures", size=64).pixels.flatten(1).numpy()
    assert len(np.unique(pixels, axis=0)) > 0.9 * len(pixels)
