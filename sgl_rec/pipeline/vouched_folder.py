"""A run's folder on disk, whatever is trained: written atomically, read with one clear line when damaged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pandas as pd
import pyarrow as pa

from sgl_rec import __version__
from sgl_rec.errors import UserError, one_line
from sgl_rec.files import atomic_path, lock, remove_leftovers, sha256, write_text
from sgl_rec.pipeline.run_tables import read_table, write_table
from sgl_rec.settings import read_toml
from sgl_rec.training.checkpoint import Checkpoint

log = logging.getLogger("sgl_rec")

FORMAT = 1
"""Of the folder as a whole; one that is written otherwise gets another number."""

RESTORE = "restore it or train again"
"""What to do about a damaged file that nothing else in the folder can replace."""


class VouchedFolder:
    """Paths and files of one run. Nothing in it is pickled, so nothing in it can execute code.

    ``manifest.json`` has the format's number and the checksums of the files that have none inside, so that a
    changed byte is an error and never another result. While they are written, manifest and files may differ;
    then ``config.toml`` (of the start) or ``metrics.json`` (of the end), each written last, is not there yet.

    """

    resume = ""
    """The command that writes results again."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.toml"
        self.manifest_file = self.path / "manifest.json"
        self.model_file = self.path / "model.safetensors"
        self.history_file = self.path / "history.parquet"
        self.metrics_file = self.path / "metrics.json"
        self.log_file = self.path / "log.txt"
        self.checkpoints = self.path / "checkpoint"
        self.environment_file = self.checkpoints / "environment.json"
        self.again = f"write it again with {self.resume} {self.path}"

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """An existing run. Raises: UserError when there is none, or its settings are not as they were."""
        folder = cls(Path(path))
        if not folder.config_file.is_file():
            raise UserError(f"{path}: must be a run folder with config.toml, got none; check the path")
        folder.check_settings()
        return folder

    def check_settings(self) -> None:
        """Raises: UserError for settings that are none of this kind of run."""
        raise NotImplementedError

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer of this folder; what a killed one left half written goes."""
        with lock(self.path / "lock", who=str(self.path)):
            remove_leftovers(self.path)
            remove_leftovers(self.checkpoints)
            yield

    def clear(self) -> None:
        """Remove what an earlier run left (``--overwrite``); the lock stays."""
        self.config_file.unlink(missing_ok=True)  # first: without it the folder is no run any more
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()

    def strangers(self) -> list[str]:
        """What lies in the folder and is not of a run's making: nothing that may be removed."""
        own = {path.name for path in vars(self).values() if isinstance(path, Path) and path.parent == self.path}
        stems = "|".join(Path(name).stem for name in own)
        left = re.compile(rf"\.({stems})\.sgl-rec-\w{{8}}(\.\w+)?")  # by a killed write
        names = sorted(entry.name for entry in self.path.iterdir())
        return [name for name in names if name not in own | {"lock"} and not left.fullmatch(name)]

    def write_settings(self, text: str) -> None:
        """``config.toml``, last: a folder that has it has its data too."""
        self.vouch({"config.toml": _sha256(text)})
        write_text(self.config_file, text)

    def read_settings(self) -> dict[str, Any]:
        """``config.toml``. Raises: UserError also when it was edited: a run has the settings it began with."""
        advice = f"restore it, or train anew with --config {self.config_file}"
        self.check(self.config_file, advice=advice)
        return read_toml(self.config_file)

    def is_finished(self) -> bool:
        """Whether the results are there, and undamaged: a resume can write them again."""
        if not self.metrics_file.is_file():
            return False
        try:
            self.read_json(self.metrics_file)
            self.read_history()
            self.check_results()
        except UserError as error:
            log.warning("%s; it is written again", str(error).partition(";")[0])
            return False
        return True

    def model(self) -> Checkpoint:
        """``model.safetensors`` as it was written. Raises: UserError when absent or damaged."""
        for needed in (self.metrics_file, self.model_file):
            if not needed.exists():
                raise UserError(
                    f"{self.path}: training must have finished, got no {needed.name}; go on with "
                    f"{self.resume} {self.path}"
                )
        return Checkpoint.load(self.model_file, advice=self.again)

    def check_results(self) -> None:
        """Raises: UserError for a result of this kind of run that is absent or damaged."""
        raise NotImplementedError

    def write_outcome(self, history: Sequence[Mapping[str, float]], metrics: Mapping[str, Any]) -> None:
        """``history.parquet`` and, last, ``metrics.json``: a folder that has it is a finished run."""
        with atomic_path(self.history_file) as temporary:
            write_table(pa.Table.from_pandas(pd.DataFrame(list(history)), preserve_index=False), temporary)
        text = _json(metrics)
        self.vouch({"history.parquet": sha256(self.history_file), "metrics.json": _sha256(text)})
        write_text(self.metrics_file, text)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What ``manifest.json`` says. Raises: UserError when it is absent, damaged or of another format."""
        if not self.manifest_file.is_file():
            raise UserError(
                f"{self.manifest_file}: must be there, got none: the run is damaged or of an older version; "
                "train again"
            )
        manifest = _read_json(self.manifest_file)
        if (got := manifest.get("format")) != FORMAT:
            raise UserError(
                f"{self.manifest_file}: format of the run folder must be {FORMAT}, got {got!r}; use the version "
                f"that wrote it (sgl-rec {manifest.get('sgl_rec')}) or train again"
            )
        if manifest.pop("own", None) != _sha256(_json(manifest)):
            raise UserError(f"{self.manifest_file}: must be as the run wrote it, got other; {RESTORE}")
        return manifest

    def check(self, path: Path, *, advice: str = RESTORE) -> None:
        """Whether a file is as it was written. Raises: UserError naming it when it is not."""
        expected = self.manifest["sha256"].get(self.name_of(path))
        try:
            whole = sha256(path) == expected
        except OSError as error:
            raise UserError(f"{path}: must be there and readable, got {error.strerror}; {advice}") from error
        if not whole:
            raise UserError(f"{path}: must be as the run wrote it, got a file with another checksum; {advice}")

    def vouch(self, sums: Mapping[str, str]) -> None:
        """Add checksums of files, by name, to the manifest."""
        known = self.manifest["sha256"] if self.manifest_file.is_file() else {}
        self.manifest = {"format": FORMAT, "sgl_rec": __version__, "sha256": {**known, **sums}}
        write_text(self.manifest_file, _json({**self.manifest, "own": _sha256(_json(self.manifest))}))

    def name_of(self, path: Path) -> str:
        """What the manifest calls a file of the folder."""
        return path.relative_to(self.path).as_posix()

    @property
    def source(self) -> str:
        """Where the data of the run was read."""
        raise NotImplementedError

    def check_output(self, path: Path | None, *read: str | Path | None) -> None:
        """Whether results may go to ``path``.

        Args:
            read: what the results are made of, beside the run.

        Raises: UserError for a file of this run or of another, for its data, and for what is read.
        """
        if path is None:
            return
        place = Path(os.path.realpath(path))  # which a circle of links does not stop
        for folder in (place.parent, place.parent.parent):
            if _is_of_run(place, folder):
                of = "the run itself" if folder == Path(os.path.realpath(self.path)) else f"the run {folder}"
                raise UserError(f"{path}: the output must not be a file of {of}; choose another name")
        if place == Path(os.path.realpath(self.source)):
            raise UserError(f"{path}: the output must not be the data of the run; choose another name")
        if place in [Path(os.path.realpath(one)) for one in read if one is not None]:
            raise UserError(f"{path}: the output must not be what is read; choose another name")

    def read_history(self) -> pd.DataFrame:
        self.check(self.history_file, advice=self.again)
        history: pd.DataFrame = read_table(self.history_file).to_pandas()
        return history

    def write_environment(self, values: Mapping[str, str]) -> None:
        text = _json(values)
        self.vouch({self.name_of(self.environment_file): _sha256(text)})
        write_text(self.environment_file, text)

    def read_json(self, path: Path) -> dict[str, Any]:
        """``metrics.json`` or the environment. Raises: UserError naming the file when absent or damaged."""
        self.check(path, advice=self.again if path == self.metrics_file else RESTORE)
        return _read_json(path)


def _is_of_run(place: Path, folder: Path) -> bool:
    """Whether ``place`` is a file of the run in ``folder``, where there is one."""
    try:
        names = _read_json(folder / "manifest.json")["sha256"]
    except (UserError, KeyError):
        return False
    name = place.relative_to(folder)
    own = {*names, "config.toml", "manifest.json", "model.safetensors", "log.txt", "lock"}
    return name.parts[0] == "checkpoint" or name.as_posix() in own


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: must be a whole JSON file, got {one_line(error)}; {RESTORE}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: must be a JSON object, got {type(values).__name__}; {RESTORE}")
    return values


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
