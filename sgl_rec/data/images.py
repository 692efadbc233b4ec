"""A folder or a zip file of images -> one tensor. Needs Pillow; what it cannot read is left out and named."""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from sgl_rec.data.unpack import Limits
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.extras import needed

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
"""Of the files that are looked at, in either case."""
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""What Pillow may take them for, whatever their suffix says."""
MOST_PIXELS = 1 << 26
"""Of one image before it is made smaller: a small file can claim any number, and takes that much memory."""
MOST_FILE_BYTES = 1 << 28
MOST_BYTES = 1 << 34
"""Of the tensor."""
ARCHIVE = Limits(max_bytes=1 << 40, max_files=10_000_000)


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one size, in the order of their names.

    Args:
        pixels: (N, C, S, S), 0 is black.
        names: of each, its path below the folder or in the archive, with ``/``.
        unreadable: one line for each file that was left out, saying why.
    """

    pixels: UInt8[Tensor, "N C S S"]
    names: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def values(self) -> Float[Tensor, "N C S S"]:
        """The pixels as float32 in [0, 1]."""
        return self.pixels.float() / 255


def read_images(
    path: Path,
    *,
    size: int,
    num_channels: Literal[1, 3] = 3,
    only: Sequence[str] = (),
    invert: bool = False,
) -> Images:
    """Every image below a folder or in a zip file, as squares of one size.

    The middle square of an image counts, made smaller by a mean over what falls together (antialiased) and larger
    linearly. It is turned as its camera says, stands on white where it is transparent, has 16 bits cut to 8, and
    is its first frame. Files with other suffixes and hidden ones are not looked at.

    Args:
        size: S, pixels of a side.
        num_channels: 3 for red, green and blue, 1 for grey.
        only: patterns for the end of a name (``*_0[1-9].png``, ``train/*/*``); one of them has to fit.
        invert: whether black and white change places. A drawing in ink is then 0 but for its lines, as is what an
            encoder and a rotation see beyond the edge.

    Raises: UserError for a path that is neither, that has no such image or none that can be read, or for more
        than 16 GiB of pixels; MissingDependencyError without Pillow.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (40, 30), "white").save(folder / "a.png")
        >>> _ = (folder / "b.png").write_bytes(b"no image")
        >>> images = read_images(folder, size=8)
        >>> tuple(images.pixels.shape), images.names, [line.rpartition(": ")[2] for line in images.unreadable]
        ((1, 3, 8, 8), ('a.png',), ['image must be readable, got no picture of a known kind'])
    """
    pillow = _pillow(size=size, num_channels=num_channels)
    with _source(path) as source:
        names = sorted(name for name in source.names() if _is_asked_for(name, only))
        if not names:
            asked = f"matching {', '.join(only)}" if only else f"ending in {', '.join(SUFFIXES)}"
            raise must_be(f"{path}", "the images", "at least one", f"no file {asked}")
        images = _read(pillow, path, source, names, size=size, num_channels=num_channels)
    return replace(images, pixels=255 - images.pixels) if invert else images


def image_names(path: Path) -> list[str]:
    """The names of what ``read_images`` would look at, in its order. Raises: UserError as there."""
    with _source(path) as source:
        return sorted(name for name in source.names() if _is_asked_for(name, ()))


def read_named_images(
    path: Path,
    names: Sequence[str],
    *,
    size: int,
    num_channels: Literal[1, 3] = 3,
    invert: bool = False,
) -> Images:
    """Those images below a folder or in a zip file, in this order, each as ``read_images`` makes it.

    Args:
        names: paths below ``path``, with ``/``. One that leads out of it, and one where there is no file, is left
            out as an image is that cannot be read.
        size, num_channels, invert: see ``read_images``.

    Raises: UserError as ``read_images`` does.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = Path(tempfile.mkdtemp())
        >>> Image.new("RGB", (40, 30), "white").save(folder / "a.png")
        >>> images = read_named_images(folder, ["b.png", "a.png"], size=8)
        >>> images.names, [line.rpartition(": ")[2] for line in images.unreadable]
        (('a.png',), ['image must be readable, got no such file'])
    """
    pillow = _pillow(size=size, num_channels=num_channels)
    with _source(path) as source:
        images = _read(pillow, path, source, names, size=size, num_channels=num_channels)
    return replace(images, pixels=255 - images.pixels) if invert else images


def folder_labels(names: Sequence[str]) -> tuple[Int64[Tensor, " N"], list[str]]:
    """The label of each image by the folder it lies in, and what the labels are called.

    Folders that all images share are left out of a label's name, those between it and the image are not.

    Raises: UserError for an image that lies in no folder.

    Example:
        >>> folder_labels(["all/cat/1.png", "all/dog/1.png", "all/cat/2.png"])
        (tensor([0, 1, 0]), ['cat', 'dog'])
    """
    parents = [PurePosixPath(name).parent.parts for name in names]
    for name, parent in zip(names, parents, strict=True):
        if not parent:
            raise must_be(f"{name}", "the image", "in a folder that is called like its label", "none around it")
    shared = min((len(parent) - 1 for parent in parents), default=0)
    while len({parent[:shared] for parent in parents}) > 1:
        shared -= 1
    labels, index = np.unique(["/".join(parent[shared:]) for parent in parents], return_inverse=True)
    return torch.from_numpy(index.astype(np.int64)), labels.tolist()


def _pillow(*, size: int, num_channels: int) -> Any:
    if size < 1:
        raise must_be("images", "size", "at least 1", size)
    if num_channels not in (1, 3):
        raise must_be("images", "num_channels", "1 or 3", num_channels)
    needed("images", "PIL.ImageOps", extra="vision")
    return needed("images", "PIL", extra="vision")


class _ReadingError(Exception):
    """Why an image is left out, in words."""


class _Source(Protocol):
    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        return [one.relative_to(self.path).as_posix() for one in self.path.rglob("*") if one.is_file()]

    def read(self, name: str) -> bytes:
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts:
            raise _ReadingError("a path that leads out of the folder")
        if not (self.path / name).is_file():
            raise _ReadingError("no such file")
        with (self.path / name).open("rb") as stream:
            return _limited(stream.read(MOST_FILE_BYTES + 1))


class _Zip:
    """Members are read into memory one by one: nothing is unpacked, so their names lead nowhere."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._archive, self._left = archive, ARCHIVE.bytes_for(path)

    def names(self) -> list[str]:
        return list({one.filename for one in self._archive.infolist() if not one.is_dir()})

    def read(self, name: str) -> bytes:
        if name not in self._archive.NameToInfo:
            raise _ReadingError("no such file")
        with self._archive.open(name) as stream:
            content = stream.read(min(MOST_FILE_BYTES, self._left) + 1)
        if len(content) > self._left:
            raise _ReadingError("an archive that unpacks to more than an archive of images does")
        self._left -= len(content)
        return _limited(content)


@contextlib.contextmanager
def _source(path: Path) -> Iterator[_Source]:
    if path.is_dir():
        yield _Folder(path)
        return
    if not path.is_file():
        raise must_be(f"{path}", "the images", "a folder or a zip file", "nothing there")
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        got = one_line(error)[:1].lower() + one_line(error)[1:]
        raise must_be(f"{path}", "the images", "a folder or a whole zip file", got) from error
    with archive:
        yield _Zip(path, archive)


def _read(
    pillow: Any, path: Path, source: _Source, names: Sequence[str], *, size: int, num_channels: int
) -> Images:
    if (num_bytes := len(names) * num_channels * size**2) > MOST_BYTES:
        got = f"{num_bytes} for {len(names)} images"
        raise must_be(f"{path}", "bytes of pixels", f"at most {MOST_BYTES}", got, "choose a smaller size")
    pixels = torch.empty(len(names), num_channels, size, size, dtype=torch.uint8)
    found: list[str] = []
    unreadable: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of what is odd in a file: it can be read or it cannot
        for name in names:
            try:
                pixels[len(found)] = _square(pillow, source.read(name), size=size, num_channels=num_channels)
                found.append(name)
            except Exception as error:  # somebody else's file can fail in any way
                unreadable.append(f"{path}/{name}: image must be readable, got {_reason(error)}")
    if not found:
        raise UserError(f"{unreadable[0]} (and so all {len(names)} images); nothing is left to train on")
    return Images(pixels[: len(found)], tuple(found), tuple(unreadable))


def _limited(content: bytes) -> bytes:
    if len(content) > MOST_FILE_BYTES:
        raise _ReadingError(f"more than {MOST_FILE_BYTES} bytes")
    return content


def _is_asked_for(name: str, only: Sequence[str]) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    fits = not only or any(path.match(pattern) for pattern in only)
    return path.suffix.lower() in SUFFIXES and not hidden and fits


def _square(pillow: Any, content: bytes, *, size: int, num_channels: int) -> Tensor:
    """(C, S, S) of one file."""
    with pillow.Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:  # of the header: nothing is decoded so far
            raise _ReadingError(f"{image.width} x {image.height} pixels, more than {MOST_PIXELS}")
        image = _plain(pillow, pillow.ImageOps.exif_transpose(image))
        image = image.convert("L" if num_channels == 1 else "RGB")
        fitted = pillow.ImageOps.fit(image, (size, size), method=pillow.Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(fitted).reshape(size, size, num_channels)).permute(2, 0, 1)


def _plain(pillow: Any, image: Any) -> Any:
    """Without transparency, and with 8 bits a value."""
    if image.mode.startswith("I;16"):
        return pillow.Image.fromarray((np.array(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):  # of no known range
        raise _ReadingError("pixels of 32 bits; store it with 8 or 16")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        return pillow.Image.alpha_composite(pillow.Image.new("RGBA", image.size, "white"), image)
    return image


def _reason(error: Exception) -> str:
    if type(error).__name__ == "UnidentifiedImageError":  # whose own words name an object in memory
        return "no picture of a known kind"
    if type(error).__name__ == "DecompressionBombError":
        return f"more than {MOST_PIXELS} pixels"
    return one_line(error) or type(error).__name__
