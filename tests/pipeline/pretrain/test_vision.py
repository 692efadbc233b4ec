"""Images as samples."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from sgl_rec.pipeline.pretrain.vision import read


def test_a_folder_for_each_class(pictures: Path) -> None:
    samples = read(pictures, size=8, num_channels=1)
    assert (len(samples), samples.shape, samples.notes) == (32, (1, 8), ())
    assert samples.classes == ("bar-0", "bar-1", "bar-2", "bar-3")
    assert samples.label is not None
    assert samples.label.bincount().tolist() == [8] * 4
    one = samples.take(torch.tensor([9]))
    assert one.shape == (1, 1, 8, 8)
    assert samples.names[9] == "bar-1/1.png"
    bar = one[0, 0, :, 2:4].mean()
    assert float(bar) > float(one.mean()) + 0.2


def test_loose_images_have_no_labels_and_what_is_none_is_noted(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for number in range(2):
        image.new("L", (9, 9), 100 * number).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"none")
    samples = read(tmp_path, size=4, num_channels=1)
    assert (len(samples), samples.label, samples.classes, len(samples.notes)) == (2, None, (), 1)
    assert read(tmp_path, size=4, num_channels=1, only=["0.png"]).names == ("0.png",)


def test_the_checksum_is_of_pixels_and_names(pictures: Path) -> None:
    assert read(pictures, size=8).sha256 == read(pictures, size=8).sha256
    assert read(pictures, size=8).sha256 != read(pictures, size=8, invert=True).sha256


def test_a_name_that_is_no_text(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"b\xff.png")).write_bytes((pictures / "bar-0" / "0.png").read_bytes())
    (tmp_path / os.fsdecode(b"c\xff.png")).write_bytes(b"none")
    samples = read(tmp_path, size=8, num_channels=1)
    assert samples.names == ("b\ufffd.png",)
    assert samples.notes[0].encode()
