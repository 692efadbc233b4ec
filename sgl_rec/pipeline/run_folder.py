"""The run folder on disk: what each file is, written atomically, read with one clear line when damaged."""

from __future__ import annotations

import contextlib
import json
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
from torch import Tensor

from sgl_rec.config import Config, dump_toml, parse, read_toml
from sgl_rec.errors import UserError, one_line
from sgl_rec.files import atomic_path, lock, write_text
from sgl_rec.pipeline.run_tables import read_ids, read_pairs, read_table, write_ids, write_pairs, write_table
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Dataset, Embeddings, Ids, Split


@dataclass(frozen=True, eq=False)
class StoredData:
    """The data of a run, read from its folder alone.

    Args:
        facts: dataset name, version, sha256, source: as they stand in ``metrics.json``.
    """

    split: Split
    users: Ids
    items: Ids
    titles: np.ndarray | None
    facts: dict[str, Any]


class RunFolder:
    """Paths and files of one run. Nothing in it is pickled, so nothing in it can execute code."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.config_file = self.path / "config.toml"
        self.ids_file = self.path / "ids.parquet"
        self.interactions_file = self.path / "interactions.parquet"
        self.model_file = self.path / "model.safetensors"
        self.history_file = self.path / "history.parquet"
        self.metrics_file = self.path / "metrics.json"
        self.log_file = self.path / "log.txt"
        self.checkpoints = self.path / "checkpoint"
        self.environment_file = self.checkpoints / "environment.json"

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run. Raises: UserError when there is none."""
        folder = cls(Path(path))
        if not folder.config_file.is_file():
            raise UserError(f"{path}: must be a run folder with config.toml, got none; check the path")
        return folder

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Be the one writer of this folder."""
        with lock(self.path / "lock", who=str(self.path)):
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
        left = re.compile(
            rf"\.({'|'.join(Path(name).stem for name in own)})-\w{{8}}(\.\w+)?"
        )  # by a killed write
        names = sorted(entry.name for entry in self.path.iterdir())
        return [name for name in names if name not in own | {"lock"} and not left.fullmatch(name)]

    def write_data(self, dataset: Dataset, split: Split) -> None:
        """``ids.parquet`` and ``interactions.parquet``."""
        facts: dict[str, str | None] = {
            "name": dataset.name,
            "version": dataset.version,
            "sha256": dataset.sha256,
        }
        facts |= {"source": dataset.source, "timestamp_unit": dataset.timestamp_unit}
        protocol = {"split": split.name, "fixed": split.fixed, "sha256": split.sha256}
        protocol |= {"remove_at_valid": split.remove_at_valid, "remove_at_test": split.remove_at_test}
        write_ids(self.ids_file, dataset.users, dataset.items, dataset.titles)
        header = {"dataset": json.dumps(facts), "protocol": json.dumps(protocol)}
        write_pairs(self.interactions_file, split.parts(), dataset.users, dataset.items, header)

    def write_config(self, config: Config) -> None:
        """``config.toml``, last: a folder that has it has its data too."""
        write_text(self.config_file, dump_toml(config))

    @cached_property
    def config(self) -> Config:
        return parse(read_toml(self.config_file), where=str(self.config_file))

    @cached_property
    def data(self) -> StoredData:
        """Split, ids, titles and facts. Raises: UserError naming a damaged file."""
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
                **parts,
            )
        except (OSError, pa.ArrowException, KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(
                f"{self.path}: ids.parquet and interactions.parquet must be whole, got {one_line(error)}; "
                "restore them or train again"
            ) from error
        return StoredData(split, users, items, titles, header["dataset"])

    def write_model(
        self, parameters: Mapping[str, Tensor], embeddings: Embeddings, about: Mapping[str, Any]
    ) -> None:
        """``model.safetensors``: parameters under ``encoder.``, final embeddings under ``embeddings.``."""
        model = Checkpoint(values=dict(about))
        model.put("encoder", parameters)
        model.put("embeddings", {"user": embeddings.user, "item": embeddings.item})
        model.save(self.model_file)

    def read_model(self) -> tuple[Embeddings, dict[str, Any]]:
        """The final embeddings and what is known about them. Raises: UserError when absent or damaged."""
        if not self.model_file.is_file():
            raise UserError(
                f"{self.path}: training must have finished, got no model.safetensors; go on with "
                f"sgl-rec train --resume {self.path}"
            )
        model = Checkpoint.load(self.model_file)
        table = model.group("embeddings")
        sizes = (len(self.data.users), len(self.data.items))
        if set(table) != {"user", "item"} or (len(table["user"]), len(table["item"])) != sizes:
            raise UserError(
                f"{self.model_file}: must hold embeddings of {sizes} users and items, got others; "
                "restore it or train again"
            )
        return Embeddings(table["user"], table["item"]), model.values

    def write_history(self, history: Sequence[Mapping[str, float]]) -> None:
        with atomic_path(self.history_file) as temporary:
            write_table(pa.Table.from_pandas(pd.DataFrame(list(history)), preserve_index=False), temporary)

    def read_history(self) -> pd.DataFrame:
        try:
            history: pd.DataFrame = read_table(self.history_file).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise UserError(
                f"{self.history_file}: must be a whole Parquet file, got {one_line(error)}; "
                "restore it or train again"
            ) from error
        return history

    def write_json(self, path: Path, values: Mapping[str, Any]) -> None:
        write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    def read_json(self, path: Path) -> dict[str, Any]:
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path}: must be a whole JSON file, got {error}; restore it or train again"
            ) from error
        if not isinstance(values, dict):
            raise UserError(
                f"{path}: must be a JSON object, got {type(values).__name__}; restore it or train again"
            )
        return values


_OURS = (b"dataset", b"protocol")
