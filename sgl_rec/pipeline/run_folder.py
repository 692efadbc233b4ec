"""The run folder on disk: what each file is, written atomically, read with one clear line when damaged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor

from sgl_rec import __version__
from sgl_rec.config import Config, dump_toml, parse
from sgl_rec.errors import UserError, one_line
from sgl_rec.files import atomic_path, lock, remove_leftovers, sha256, write_text
from sgl_rec.pipeline.run_tables import read_ids, read_pairs, read_table, write_ids, write_pairs, write_table
from sgl_rec.settings import read_toml
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Dataset, Embeddings, Ids, Split

log = logging.getLogger("sgl_rec")

FORMAT = 1
"""Of the folder as a whole; one that is written otherwise gets another number."""

RESTORE = "restore it or train again"
"""What to do about a damaged file that nothing else in the folder can replace."""


@dataclass(frozen=True, eq=False)
class StoredData:
    """The data of a run, read from its folder alone.

    Args:
        facts: dataset name, version, sha256, source, rows by what became of them: what ``metrics.json`` says.
    """

    split: Split
    users: Ids
    items: Ids
    titles: np.ndarray | None
    facts: dict[str, Any]


class RunFolder:
    """Paths and files of one run. Nothing in it is pickled, so nothing in it can execute code.

    ``manifest.json`` has the format's number and the checksums of the files that have none inside, so that a
    changed byte is an error and never another result. While they are written, manifest and files may differ;
    then ``config.toml`` (of the start) or ``metrics.json`` (of the end), each written last, is not there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.toml"
        self.manifest_file = self.path / "manifest.json"
        self.ids_file = self.path / "ids.parquet"
        self.interactions_file = self.path / "interactions.parquet"
        self.model_file = self.path / "model.safetensors"
        self.history_file = self.path / "history.parquet"
        self.metrics_file = self.path / "metrics.json"
        self.users_file = self.path / "users.parquet"
        self.report_file = self.path / "report.html"
        self.log_file = self.path / "log.txt"
        self.checkpoints = self.path / "checkpoint"
        self.environment_file = self.checkpoints / "environment.json"
        self.warm_file = self.checkpoints / "warm_start.safetensors"

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run. Raises: UserError when there is none."""
        folder = cls(Path(path))
        if not folder.config_file.is_file():
            raise UserError(f"{path}: must be a run folder with config.toml, got none; check the path")
        _ = folder.config
        return folder

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

    def write_data(self, dataset: Dataset, split: Split) -> None:
        """``ids.parquet`` and ``interactions.parquet``."""
        facts: dict[str, Any] = {
            "name": dataset.name,
            "version": dataset.version,
            "sha256": dataset.sha256,
        }
        facts |= {"source": dataset.source, "timestamp_unit": dataset.timestamp_unit}
        facts["rows"] = dict(dataset.rows)
        protocol = {"split": split.name, "fixed": split.fixed, "sha256": split.sha256}
        protocol |= {"known_only": split.known_only, "facts": dict(split.facts)}
        protocol |= {"remove_at_valid": split.remove_at_valid, "remove_at_test": split.remove_at_test}
        write_ids(self.ids_file, dataset.users, dataset.items, dataset.titles)
        header = {"dataset": json.dumps(facts), "protocol": json.dumps(protocol)}
        write_pairs(self.interactions_file, split.parts(), dataset.users, dataset.items, header)
        self._vouch({name: sha256(self.path / name) for name in ("ids.parquet", "interactions.parquet")})

    def write_config(self, config: Config) -> None:
        """``config.toml``, last: a folder that has it has its data too."""
        text = dump_toml(config)
        self._vouch({"config.toml": _sha256(text)})
        write_text(self.config_file, text)

    def write_outcome(self, history: Sequence[Mapping[str, float]], metrics: Mapping[str, Any]) -> None:
        """``history.parquet`` and, last, ``metrics.json``: a folder that has it is a finished run."""
        with atomic_path(self.history_file) as temporary:
            write_table(pa.Table.from_pandas(pd.DataFrame(list(history)), preserve_index=False), temporary)
        text = _json(metrics)
        self._vouch({"history.parquet": sha256(self.history_file), "metrics.json": _sha256(text)})
        write_text(self.metrics_file, text)

    def write_users(self, values: Mapping[str, np.ndarray], users: np.ndarray) -> None:
        """``users.parquet``: one row a measured user (by index), ``user_id`` and a column for each metric."""
        ids = self.data.users.values.take(users)
        with atomic_path(self.users_file) as temporary:
            write_table(pa.table({"user_id": ids.to_numpy(), **values}), temporary)
        self._vouch({"users.parquet": sha256(self.users_file)})

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
        expected = self.manifest["sha256"].get(self._name(path))
        try:
            whole = sha256(path) == expected
        except OSError as error:
            raise UserError(f"{path}: must be there and readable, got {error.strerror}; {advice}") from error
        if not whole:
            raise UserError(f"{path}: must be as the run wrote it, got a file with another checksum; {advice}")

    def check_output(self, path: Path | None) -> None:
        """Whether lists may be written to ``path``. Raises: UserError for a file of the run, and for its data."""
        if path is None:
            return
        place = os.path.realpath(path)  # which a circle of links does not stop
        own = [self.path / name for name in [*self.manifest["sha256"], "manifest.json", "log.txt", "lock"]]
        inside = place.startswith(os.path.realpath(self.checkpoints) + os.sep)
        if inside or place in [os.path.realpath(file) for file in own]:
            raise UserError(f"{path}: the output must not be a file of the run itself; choose another name")
        if place == os.path.realpath(self.data.facts["source"]):
            raise UserError(f"{path}: the output must not be the data of the run; choose another name")

    def is_finished(self) -> bool:
        """Whether the results are there, and undamaged: a resume can write them again."""
        if not self.metrics_file.is_file():
            return False
        try:
            self.read_json(self.metrics_file)
            self.read_history()
            if self._name(self.users_file) in self.manifest["sha256"]:  # no test part, none
                self.read_users()
            self.read_model()
        except UserError as error:
            log.warning("%s; it is written again", str(error).partition(";")[0])
            return False
        return True

    def _vouch(self, sums: Mapping[str, str]) -> None:
        known = self.manifest["sha256"] if self.manifest_file.is_file() else {}
        self.manifest = {"format": FORMAT, "sgl_rec": __version__, "sha256": {**known, **sums}}
        write_text(self.manifest_file, _json({**self.manifest, "own": _sha256(_json(self.manifest))}))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    @property
    def _again(self) -> str:
        return f"write it again with sgl-rec train --resume {self.path}"

    @cached_property
    def config(self) -> Config:
        """Raises: UserError naming the file, also when it was edited: a run has the settings it began with."""
        advice = f"restore it, or train anew with --config {self.config_file}"
        self.check(self.config_file, advice=advice)
        return parse(read_toml(self.config_file), where=str(self.config_file))

    @cached_property
    def data(self) -> StoredData:
        """Split, ids, titles and facts. Raises: UserError naming a damaged file."""
        self.check(self.ids_file)
        self.check(self.interactions_file)
        try:
            users, items, titles = read_ids(self.ids_file)
            table = read_table(self.interactions_file)
            header = {
                key.decode(): json.loads(value) for key, value in table.schema.metadata.items() if key in _OURS
            }
            parts = read_pairs(table, users, items)
            protocol = header["protocol"]
            split = Split(
                name=protocol["split"],
                remove_at_valid=tuple(protocol["remove_at_valid"]),
                remove_at_test=tuple(protocol["remove_at_test"]),
                fixed=protocol["fixed"],
                sha256=protocol["sha256"],
                known_only=protocol.get("known_only", False),
                facts=protocol.get("facts", {}),
                **parts,
            )
        except (OSError, pa.ArrowException, KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(
                f"{self.path}: ids.parquet and interactions.parquet must be whole, got {one_line(error)}; "
                "restore them or train again"
            ) from error
        return StoredData(split, users, items, titles, header["dataset"])

    def write_model(
        self, parameters: Mapping[str, Tensor], embeddings: Embeddings | None, about: Mapping[str, Any]
    ) -> None:
        """``model.safetensors``: parameters under ``encoder.``, final embeddings under ``embeddings.``.

        A baseline that has no embeddings is fitted again from ``interactions.parquet`` where it is needed.
        """
        model = Checkpoint(values=dict(about))
        model.put("encoder", parameters)
        if embeddings is not None:
            model.put("embeddings", {"user": embeddings.user, "item": embeddings.item})
        model.save(self.model_file)

    def model(self) -> Checkpoint:
        """The parameters and final embeddings as they were written. Raises: UserError when absent or damaged."""
        for needed in (self.metrics_file, self.model_file):
            if not needed.exists():
                raise UserError(
                    f"{self.path}: training must have finished, got no {needed.name}; go on with "
                    f"sgl-rec train --resume {self.path}"
                )
        return Checkpoint.load(self.model_file, advice=self._again)

    def read_model(self) -> tuple[Embeddings | None, dict[str, Any]]:
        """The final embeddings (None for a baseline without) and what is known about them.

        Raises: UserError when absent or damaged.
        """
        model = self.model()
        table = model.group("embeddings")
        if not table and self.config.baseline is not None:
            return None, self._about(model)
        sizes = (len(self.data.users), len(self.data.items))
        kinds = {(side.ndim, side.shape[-1:], side.dtype) for side in table.values()}
        same = len(kinds) == 1 and next(iter(kinds))[::2] == (2, torch.float32)
        if set(table) != {"user", "item"} or not same or (len(table["user"]), len(table["item"])) != sizes:
            raise UserError(
                f"{self.model_file}: must hold embeddings of {sizes} users and items, got others; {self._again}"
            )
        return Embeddings(table["user"], table["item"]), self._about(model)

    def embeddings(self) -> Embeddings:
        """The final embeddings. Raises: UserError as above, and for a run that has none."""
        embeddings, _ = self.read_model()
        if embeddings is None:
            raise UserError(
                f"{self.path}: method must be one with embeddings, got the baseline {self.config.method!r}; "
                "take a run of another method"
            )
        return embeddings

    def _about(self, model: Checkpoint) -> dict[str, Any]:
        """What the model says of itself. Raises: UserError when it does not say how it was made."""
        trained_on = model.values.get("trained_on")
        parts = set(map(str, trained_on)) if isinstance(trained_on, list) else set()
        if not parts or not parts <= {"train", "valid", "test"}:
            raise UserError(
                f"{self.model_file}: must say which parts it was trained on, got {str(trained_on)[:60]!r}; "
                f"{self._again}"
            )
        weight = model.values.get("late_weight")
        if self.config.late_sum is not None and weight not in self.config.late_sum.weights:
            raise UserError(
                f"{self.model_file}: must say how much of the late sum was chosen, got {str(weight)[:60]!r}; "
                f"{self._again}"
            )
        return model.values

    def read_history(self) -> pd.DataFrame:
        self.check(self.history_file, advice=self._again)
        history: pd.DataFrame = read_table(self.history_file).to_pandas()
        return history

    def read_users(self) -> pd.DataFrame:
        """The test figures of every measured user. Raises: UserError naming the file when absent or damaged."""
        self.check(self.users_file, advice=self._again)
        users: pd.DataFrame = read_table(self.users_file).to_pandas()
        return users

    def write_environment(self, values: Mapping[str, str]) -> None:
        text = _json(values)
        self._vouch({self._name(self.environment_file): _sha256(text)})
        write_text(self.environment_file, text)

    def read_json(self, path: Path) -> dict[str, Any]:
        """``metrics.json`` or the environment. Raises: UserError naming the file when absent or damaged."""
        self.check(path, advice=self._again if path == self.metrics_file else RESTORE)
        return _read_json(path)


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


_OURS = (b"dataset", b"protocol")
