"""The run folder on disk: what each file is, written atomically, read with one clear line when damaged."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import Tensor

from sgl_rec.config import Config, dump_toml, parse
from sgl_rec.encoders.content_tower import Placed
from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.files import atomic_path, sha256
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.placement import Placement
from sgl_rec.pipeline.run_tables import read_ids, read_pairs, read_table, write_ids, write_pairs, write_table
from sgl_rec.pipeline.vouched_folder import RESTORE, VouchedFolder
from sgl_rec.training.checkpoint import Checkpoint
from sgl_rec.types import Dataset, Embeddings, Ids, Split

log = logging.getLogger("sgl_rec")


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


class RunFolder(VouchedFolder):
    """The files of a recommender's run beside those of any run."""

    resume = "sgl-rec train --resume"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ids_file = self.path / "ids.parquet"
        self.interactions_file = self.path / "interactions.parquet"
        self.users_file = self.path / "users.parquet"
        self.report_file = self.path / "report.html"
        self.content_file = self.path / "content.safetensors"
        self.warm_file = self.checkpoints / "warm_start.safetensors"

    def check_settings(self) -> None:
        if "modality" in self.read_settings():
            raise must_be(str(self.path), "the run", "one of train", "one of pretrain", "see embed and probe")
        _ = self.config

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
        self.vouch({name: sha256(self.path / name) for name in ("ids.parquet", "interactions.parquet")})

    def write_content(self, content: ItemContent) -> None:
        """``content.safetensors``: what is known of the items, as vectors."""
        content.save(self.content_file)

    @cached_property
    def content(self) -> ItemContent | None:
        """Raises: UserError naming the file when absent or damaged."""
        if self.config.content is None:
            return None
        return ItemContent.load(self.content_file, num_items=len(self.data.items), advice=RESTORE)

    def write_config(self, config: Config) -> None:
        """``config.toml``, last: a folder that has it has its data too."""
        self.write_settings(dump_toml(config))

    def write_users(self, values: Mapping[str, np.ndarray], users: np.ndarray) -> None:
        """``users.parquet``: one row a measured user (by index), ``user_id`` and a column for each metric."""
        ids = self.data.users.values.take(users)
        with atomic_path(self.users_file) as temporary:
            write_table(pa.table({"user_id": ids.to_numpy(), **values}), temporary)
        self.vouch({"users.parquet": sha256(self.users_file)})

    @property
    def source(self) -> str:
        return str(self.data.facts["source"])

    def check_results(self) -> None:
        if self.name_of(self.users_file) in self.manifest["sha256"]:  # no test part, none
            self.read_users()
        self.read_model()

    @cached_property
    def config(self) -> Config:
        """Raises: UserError naming the file where it is not as it was."""
        return parse(self.read_settings(), where=str(self.config_file))

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
        self,
        parameters: Mapping[str, Tensor],
        embeddings: Embeddings | None,
        about: Mapping[str, Any],
        *,
        placement: Placement | None = None,
    ) -> None:
        """``model.safetensors``: parameters under ``encoder.``, final embeddings under ``embeddings.``.

        A tower's parameters stand under ``tower.``, where it has put the items under ``placed.``.

        A baseline that has no embeddings is fitted again from ``interactions.parquet`` where it is needed.
        """
        model = Checkpoint(values=dict(about))
        model.put("encoder", parameters)
        if embeddings is not None:
            model.put("embeddings", {"user": embeddings.user, "item": embeddings.item})
        if placement is not None:
            model.put("tower", placement.parameters)
            model.put("placed", {**placement.placed._asdict(), "cold": placement.cold, "warm": placement.warm})
        model.save(self.model_file)

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
                f"{self.model_file}: must hold embeddings of {sizes} users and items, got others; {self.again}"
            )
        return Embeddings(table["user"], table["item"]), self._about(model)

    def placement(self) -> Placement | None:
        """Where content has put the items, None without. Raises: UserError when the model is not of this run."""
        if self.config.content is None:
            return None
        model = self.model()
        placed, size = model.group("placed"), len(self.data.items)
        weighed = [model.values.get(key) for key in ("content_weight", "content_handicap")]
        if not placed and weighed == [None, None]:  # a baseline's, which has no space to place them in
            return None
        whole = set(placed) == {"place", "popularity", "cold", "warm"} and all(
            len(one) == size for one in placed.values()
        )
        if not whole or not all(isinstance(one, float) for one in weighed):
            raise UserError(f"{self.model_file}: must hold the places of {size} items, got others; {self.again}")
        places = Placed(placed["place"], placed["popularity"])
        return Placement(places, placed["cold"], placed["warm"], model.group("tower"))

    def embeddings(self) -> Embeddings:
        """The final embeddings, cold items where content has put them.

        Raises: UserError as above, and for a run that has none.
        """
        embeddings, _ = self.read_model()
        if embeddings is None:
            raise UserError(
                f"{self.path}: method must be one with embeddings, got the baseline {self.config.method!r}; "
                "take a run of another method"
            )
        placement = self.placement()
        return embeddings if placement is None else placement.embeddings(embeddings)

    def _about(self, model: Checkpoint) -> dict[str, Any]:
        """What the model says of itself. Raises: UserError when it does not say how it was made."""
        trained_on = model.values.get("trained_on")
        parts = set(map(str, trained_on)) if isinstance(trained_on, list) else set()
        if not parts or not parts <= {"train", "valid", "test"}:
            raise UserError(
                f"{self.model_file}: must say which parts it was trained on, got {str(trained_on)[:60]!r}; "
                f"{self.again}"
            )
        return model.values

    def read_users(self) -> pd.DataFrame:
        """The test figures of every measured user. Raises: UserError naming the file when absent or damaged."""
        self.check(self.users_file, advice=self.again)
        users: pd.DataFrame = read_table(self.users_file).to_pandas()
        return users


_OURS = (b"dataset", b"protocol")
