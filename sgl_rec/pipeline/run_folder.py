"""The run folder on disk: what each file is, written atomically, read with one clear line when damaged."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from sgl_rec.config import Config, dump_toml, parse, read_toml
from sgl_rec.errors import UserError
from sgl_rec.files import atomic_path, lock, write_text
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Dataset, Embeddings, Ids, Interactions, Split


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

    def write_data(self, dataset: Dataset, split: Split) -> None:
        """``ids.parquet`` and ``interactions.parquet``."""
        facts: dict[str, str | None] = {
            "name": dataset.name,
            "version": dataset.version,
            "sha256": dataset.sha256,
        }
        facts |= {"source": dataset.source, "timestamp_unit": dataset.timestamp_unit}
        protocol = {"split": split.name, "fixed": split.fixed}
        protocol |= {"remove_at_valid": split.remove_at_valid, "remove_at_test": split.remove_at_test}
        _write_ids(self.ids_file, dataset.users, dataset.items, dataset.titles)
        header = {"dataset": json.dumps(facts), "protocol": json.dumps(protocol)}
        _write_pairs(self.interactions_file, split.parts(), dataset.users, dataset.items, header)

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
            users, items, titles = _read_ids(self.ids_file)
            table = pq.read_table(self.interactions_file)
            header = {
                key.decode(): json.loads(value) for key, value in table.schema.metadata.items() if key in _OURS
            }
            parts = _read_pairs(table, users, items)
            protocol = header["protocol"]
            split = Split(
                name=protocol["split"],
                remove_at_valid=tuple(protocol["remove_at_valid"]),
                remove_at_test=tuple(protocol["remove_at_test"]),
                fixed=protocol["fixed"],
                **parts,
            )
        except (OSError, pa.ArrowException, KeyError, TypeError, AttributeError, ValueError) as error:
            raise UserError(
                f"{self.path}: ids.parquet and interactions.parquet must be whole, got {error}; "
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
            pd.DataFrame(list(history)).to_parquet(temporary, index=False)

    def read_history(self) -> pd.DataFrame:
        try:
            return pd.read_parquet(self.history_file)
        except (OSError, pa.ArrowException) as error:
            raise UserError(
                f"{self.history_file}: must be a whole Parquet file, got {error}; restore it or train again"
            ) from error

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


def new_folder(out: str | Path | None, *, dataset: str, method: str, overwrite: bool) -> RunFolder:
    """The folder of a new run: ``out``, or a unique one under ``runs/``.

    Raises: UserError when ``out`` exists and ``overwrite`` is not set, or when it holds something that is no run.
    """
    if out is None:
        stem = f"{_plain(dataset)}-{_plain(method)}-{time.strftime('%Y%m%dT%H%M%S')}"
        for number in range(1000):
            path = Path("runs") / (f"{stem}-{number}" if number else stem)
            with contextlib.suppress(FileExistsError):
                _make(path, exist_ok=False)
                return RunFolder(path)
    assert out is not None
    out = Path(out)
    folder = RunFolder(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} must be a folder, got a file; choose another place")
    if out.is_dir() and any(entry.name != "lock" for entry in out.iterdir()):
        ours = folder.config_file.is_file() or folder.ids_file.is_file()
        if not ours:
            raise UserError(f"--out: {out} must be empty or a run folder, got other files; choose another place")
        if not overwrite:
            raise UserError(
                f"--out: {out} must not exist, got a run; use --overwrite, or --resume {out} to go on"
            )
    _make(out, exist_ok=True)
    return folder


def _make(path: Path, *, exist_ok: bool) -> None:
    try:
        path.mkdir(parents=True, exist_ok=exist_ok)
    except FileExistsError:
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be made ({error.strerror}); choose another place") from error


def _plain(name: str) -> str:
    stem = Path(name).name.split(".")[0]
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in stem) or "data"


def _id_type(ids: Ids) -> pa.DataType:
    return pa.int64() if ids.is_integer else pa.string()


def _write_ids(path: Path, users: Ids, items: Ids, titles: np.ndarray | None) -> None:
    """One row a node; ids as text, their type in the header, so that integers and strings share a column."""
    nothing = [None] * len(users)
    table = pa.table(
        {
            "kind": pa.array(["user"] * len(users) + ["item"] * len(items)).dictionary_encode(),
            "index": pa.array([*range(len(users)), *range(len(items))], pa.int64()),
            "id": pa.array([*users.values.astype(str), *items.values.astype(str)], pa.string()),
            "title": pa.array([*nothing, *(titles if titles is not None else [None] * len(items))], pa.string()),
        }
    )
    kinds = {"user": str(_id_type(users)), "item": str(_id_type(items)), "titles": titles is not None}
    with atomic_path(path) as temporary:
        pq.write_table(table.replace_schema_metadata({"id_types": json.dumps(kinds)}), temporary)


def _read_ids(path: Path) -> tuple[Ids, Ids, np.ndarray | None]:
    table = pq.read_table(path)
    kinds = json.loads(table.schema.metadata[b"id_types"])
    frame = table.to_pandas()
    found = {}
    for kind in ("user", "item"):
        texts = frame.loc[frame["kind"] == kind, "id"]
        values = texts.astype("int64") if kinds[kind] == "int64" else texts.astype(object)
        found[kind] = Ids(pd.Index(values.to_numpy()))
    titles = frame.loc[frame["kind"] == "item", "title"].to_numpy(object) if kinds["titles"] else None
    return found["user"], found["item"], titles


def _write_pairs(
    path: Path, parts: Mapping[str, Interactions], users: Ids, items: Ids, header: Mapping[str, str]
) -> None:
    user = np.concatenate([part.user for part in parts.values()])
    item = np.concatenate([part.item for part in parts.values()])
    names = np.repeat(np.arange(len(parts)), [len(part) for part in parts.values()])
    table = pa.table(
        {
            "user_id": pa.array(users.values.to_numpy()[user], _id_type(users)),
            "item_id": pa.array(items.values.to_numpy()[item], _id_type(items)),
            "part": pa.DictionaryArray.from_arrays(pa.array(names, pa.int8()), list(parts)),
        }
    )
    with atomic_path(path) as temporary:
        pq.write_table(table.replace_schema_metadata(dict(header)), temporary)


def _read_pairs(table: pa.Table, users: Ids, items: Ids) -> dict[str, Interactions]:
    """The parts, each in the order in which it was written: a resume draws the same batches."""
    user = users.index_of(table["user_id"].to_numpy())
    item = items.index_of(table["item_id"].to_numpy())
    part = table["part"].to_pandas().astype(str).to_numpy()
    return {
        name: Interactions(user[part == name], item[part == name], len(users), len(items))
        for name in ("train", "valid", "test", "dropped")
    }
