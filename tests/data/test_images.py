"""Images of every kind, and files that are none."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from sgl_rec.data import images as module
from sgl_rec.data.images import folder_labels, read_images
from sgl_rec.errors import MissingDependencyError, UserError


def drawing(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Left half black, right half white."""
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle([size[0] // 2, 0, *size], fill=255)
    return image.convert(mode)


def png(width: int, height: int) -> bytes:
    """A PNG file that claims so many pixels and has none of them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_every_mode_is_grey_or_in_colour(tmp_path: Path, mode: str, num_channels: int) -> None:
    wide = Image.fromarray(np.array(drawing("L")).astype(np.uint16) * 257)
    image = wide if mode == "I;16" else drawing(mode)
    image.save(tmp_path / ("a.tiff" if mode == "CMYK" else "a.png"))
    pixels = read_images(tmp_path, size=10, num_channels=num_channels).pixels
    assert pixels.shape == (1, num_channels, 10, 10)
    assert (pixels[..., :4] < 3).all()
    assert (pixels[..., 6:] > 252).all()


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".gif", ".bmp", ".webp", ".tiff", ".ppm"])
def test_every_kind_of_file(tmp_path: Path, suffix: str) -> None:
    drawing().save(tmp_path / f"a{suffix}")
    pixels = read_images(tmp_path, size=20).pixels.float()
    assert pixels[..., :8].mean() < 10
    assert pixels[..., 12:].mean() > 245


def test_the_middle_square_made_smaller_by_means(tmp_path: Path) -> None:
    # Columns 0 1 2 ... of 40; the middle 30 are left, in twos a pixel.
    ramp = np.tile(np.arange(40, dtype=np.uint8), (30, 1))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    pixels = read_images(tmp_path, size=15, num_channels=1).pixels
    expected = [5 + 2 * column + 0.5 for column in range(15)]
    np.testing.assert_allclose(pixels[0, 0, 7].numpy()[1:-1], expected[1:-1], atol=0.51)


def test_a_camera_held_upright_and_what_is_transparent(tmp_path: Path) -> None:
    image, exif = drawing(size=(40, 40)), Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what was left is above
    image.save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "b.png")
    first, second = read_images(tmp_path, size=8).pixels
    assert first[:, 1].max() < 10
    assert first[:, 6].min() > 245
    assert (second == 255).all()


def test_inverted(tmp_path: Path) -> None:
    drawing().save(tmp_path / "a.png")
    plain, inverted = (read_images(tmp_path, size=9, invert=invert) for invert in (False, True))
    assert torch.equal(inverted.pixels, 255 - plain.pixels)
    assert inverted.values().dtype == torch.float32
    torch.testing.assert_close(inverted.values() + plain.values(), torch.ones(1, 3, 9, 9))


def test_a_zip_file_is_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    files = {}
    for name in ("b/2.png", "a/1.jpg", "c.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        drawing(size=(20 + len(files), 20)).save(folder / name)
        files[name] = (folder / name).read_bytes()
    files |= {"notes.txt": b"", "__MACOSX/a/._1.jpg": b"x", ".hidden.png": b"x"}
    here, there = read_images(folder, size=8), read_images(zipped(tmp_path / "a.zip", files), size=8)
    assert here.names == there.names == ("a/1.jpg", "b/2.png", "c.png")
    assert torch.equal(here.pixels, there.pixels)
    assert there.unreadable == ()
    assert len(there) == 3


def test_only_those_that_are_asked_for(tmp_path: Path) -> None:
    for name in ("a_01.png", "a_10.png", "a_11.png"):
        drawing().save(tmp_path / name)
    assert read_images(tmp_path, size=4, only=["*_0[1-9].png", "*_10.png"]).names == ("a_01.png", "a_10.png")
    with pytest.raises(UserError, match=r"the images must be at least one, got no file matching \*_2\?\.png"):
        read_images(tmp_path, size=4, only=["*_2?.png"])


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "no picture of a known kind"),
    "text": (lambda: b"hello", "no picture of a known kind"),
    "a page": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture of a known kind"),
    "truncated": (lambda: encoded(drawing(size=(300, 300)))[:150], "truncated|broken"),
    "a bomb": (lambda: png(12_000, 12_000), "12000 x 12000 pixels, more than 67108864"),
    "a larger bomb": (lambda: png(60_000, 60_000), "more than 67108864 pixels"),
    "no pixels": (lambda: png(8, 8), "truncated"),
    "32 bits": (lambda: encoded(Image.new("F", (8, 8)), "TIFF"), "pixels of 32 bits; store it with 8 or 16"),
}


@pytest.mark.parametrize("where", ["folder", "zip"])
def test_what_cannot_be_read_is_one_line_each(tmp_path: Path, where: str) -> None:
    files = {f"{name}.png": make() for name, (make, _) in BAD.items()} | {"good.png": encoded(drawing())}
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    path = folder if where == "folder" else zipped(tmp_path / "a.zip", files)
    images = read_images(path, size=4)
    assert images.names == ("good.png",)
    assert images.pixels[0, 0, 0].tolist()[::3] == [0, 255]
    assert len(images.unreadable) == len(BAD)
    lines = {line.removeprefix(f"{path}/").partition(".png: ")[0]: line for line in images.unreadable}
    for name, (_, reason) in BAD.items():
        assert "\n" not in lines[name]
        rule, _, got = lines[name].partition(", got ")
        assert rule == f"{path}/{name}.png: image must be readable"
        assert any(part in got for part in reason.split("|")), got


def test_when_none_can_be_read(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match=r"a\.png: image must be readable, got .* all 2 images\)"):
        read_images(tmp_path, size=4)


def test_an_encrypted_member_and_a_wrong_checksum(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.png": encoded(drawing()), "b.png": encoded(drawing())})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the first member says it is encrypted, here and in the directory
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    path.write_bytes(bytes(content))
    images = read_images(path, size=4)
    assert images.names == ("b.png",)
    assert "encrypted" in images.unreadable[0]


def test_an_archive_that_swells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(
        tmp_path / "a.zip",
        {"a.png": encoded(drawing()), "b.png": bytes(1 << 20), "c.png": bytes(1 << 25), "d.png": bytes(1 << 25)},
    )
    images = read_images(path, size=4)
    assert ["unpacks to more" in line for line in images.unreadable] == [False, True, True]
    monkeypatch.setattr(module, "MOST_FILE_BYTES", 1000)
    assert "more than 1000 bytes" in read_images(path, size=4).unreadable[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "none", "the images must be a folder or a zip file, got nothing there"),
        (lambda path: path, "the images must be at least one, got no file ending in .png"),
        (lambda path: Path(__file__), "images must be a folder or a whole zip file, got file is not a zip file"),
    ],
)
def test_a_path_that_is_neither(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    with pytest.raises(UserError) as caught:
        read_images(make(tmp_path), size=4)
    assert message in str(caught.value)


def test_sizes_out_of_range(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing().save(tmp_path / "a.png")
    with pytest.raises(UserError, match="images: size must be at least 1, got 0"):
        read_images(tmp_path, size=0)
    with pytest.raises(UserError, match="images: num_channels must be 1 or 3, got 2"):
        read_images(tmp_path, size=4, num_channels=2)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    with pytest.raises(UserError, match=r"at most 100, got 300 for 1 images; choose a smaller size"):
        read_images(tmp_path, size=10)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.ImageOps", None)
    with pytest.raises(MissingDependencyError, match=r"run: pip install 'sgl-rec\[vision\]'"):
        read_images(tmp_path, size=4)


def test_labels_are_the_folders() -> None:
    label, names = folder_labels(["x/b/one/1.png", "x/a/one/2.png", "x/b/one/3.png"])
    assert (label.tolist(), names) == ([1, 0, 1], ["a/one", "b/one"])
    label, names = folder_labels(["x/a/1.png", "x/2.png"])
    assert (label.tolist(), names) == ([1, 0], ["x", "x/a"])
    assert folder_labels(["cat/1.png"])[1] == ["cat"]
    assert folder_labels([])[1] == []
    with pytest.raises(UserError, match=r"1\.png: the image must be in a folder that is called like its label"):
        folder_labels(["1.png", "a/2.png"])


@pytest.mark.data
def test_omniglot_by_its_raw_pixels(data_root: Path) -> None:
    path = data_root / "omniglot" / "images_background_small1.zip"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    gallery, query = (
        read_images(path, size=28, num_channels=1, only=only, invert=True)
        for only in (["*_0[1-9].png", "*_10.png"], ["*_1[1-9].png", "*_20.png"])
    )
    assert (len(gallery), len(query), len(folder_labels(gallery.names)[1])) == (1360, 1360, 136)
    rows = [torch.nn.functional.normalize(one.values().flatten(1), dim=1) for one in (gallery, query)]
    nearest = (rows[1] @ rows[0].T).argmax(1)
    label = [folder_labels(one.names)[0] for one in (gallery, query)]
    # 34 % in the note that came with the data.
    assert (label[0][nearest] == label[1]).float().mean() == pytest.approx(0.34, abs=0.01)
