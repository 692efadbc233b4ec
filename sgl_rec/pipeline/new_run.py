"""Where a new run goes: a fresh folder, or one the user names and may replace."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sgl_rec.errors import UserError
from sgl_rec.pipeline.vouched_folder import VouchedFolder

Folder = TypeVar("Folder", bound=VouchedFolder)


def new_folder(
    out: str | Path | None, *, source: str, method: str, overwrite: bool, kind: Callable[[Path], Folder]
) -> Folder:
    """The folder of a new run: ``out``, or a unique one under ``runs/``.

    Args:
        source: the name or path of what is learnt from; it and ``method`` name a folder under ``runs/``.
        kind: the folder's class.

    Raises: UserError when ``out`` exists and ``overwrite`` is not set, or when it holds something that is no run.
    """
    if out is None:
        stem = f"{plain_name(source)}-{plain_name(method)}-{time.strftime('%Y%m%dT%H%M%S')}"
        for number in range(1000):
            path = Path("runs") / (f"{stem}-{number}" if number else stem)
            with contextlib.suppress(FileExistsError):
                _make(path, exist_ok=False)
                return kind(path)
    assert out is not None
    check_out(out, overwrite=overwrite, kind=kind)
    _make(Path(out), exist_ok=True)
    return kind(Path(out))


def check_out(out: str | Path | None, *, overwrite: bool, kind: Callable[[Path], VouchedFolder]) -> None:
    """Whether a new run may go to ``out``; asked again, at once and before any work is done for it.

    Raises: UserError as ``new_folder``.
    """
    if out is None:
        return
    out = Path(out)
    folder = kind(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} must be a folder, got a file; choose another place")
    if out.is_dir() and any(entry.name != "lock" for entry in out.iterdir()):
        strangers = folder.strangers()
        if not folder.manifest_file.is_file():  # config.toml is a common name: alone it is no run's
            strangers += ["config.toml"] if folder.config_file.is_file() else []
        if strangers:
            raise UserError(
                f"--out: {out} must be empty or hold a run alone, got other files ({', '.join(strangers[:3])}); "
                "choose another place"
            )
        if not overwrite and not folder.config_file.is_file():
            raise UserError(f"--out: {out} must not exist, got what is left of a start; use --overwrite")
        if not overwrite:
            raise UserError(
                f"--out: {out} must not exist, got a run; use --overwrite, or --resume {out} to go on"
            )


def _make(path: Path, *, exist_ok: bool) -> None:
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be made ({error.strerror}); choose another place") from error


def plain_name(name: str) -> str:
    """A name or a path as the name of a folder: letters, digits, - and _ alone.

    Example:
        >>> plain_name("data/my log.csv.gz")
        'my-log'
    """
    stem = Path(name).name.split(".")[0]
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in stem).strip("-") or "data"
