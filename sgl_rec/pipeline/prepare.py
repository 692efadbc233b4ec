"""All of ``train`` before the first file is written: data, split, resolved config, expected memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sgl_rec.config import Config, merge, method_file, method_names, parse, read_toml
from sgl_rec.data.load import load_dataset
from sgl_rec.data.splits import make_split
from sgl_rec.errors import UserError
from sgl_rec.pipeline.build import NUM_VIEWS, resolve
from sgl_rec.types import Dataset, Split


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that is known before the first step: the resolved config, the data and its split."""

    config: Config
    dataset: Dataset
    split: Split


def prepare(
    dataset: str | Path | pd.DataFrame | None = None,
    *,
    method: str | None = None,
    split: str | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Prepared:
    """Load and split the data and resolve the config; arguments and errors are those of ``train``.

    What is given here goes over ``config``, that over the method's file. The method's file is the one made for
    the data set's own name, wherever the data was found.
    """
    over = merge({} if config is None else read_toml(Path(config)), settings or {})
    how = str(method or over.get("method", "sgl-ed"))
    own = read_toml(Path(how)) if _is_file(how) else {}
    given = {"dataset": None if isinstance(dataset, pd.DataFrame) else dataset, "split": split}
    if named := {key: str(value) for key, value in given.items() if value is not None}:
        over = merge(over, {"data": named})
    source = dataset if dataset is not None else _chosen(over) or _chosen(own) or "demo"
    loaded = load_dataset(source)
    values = own or _method(how, over, dataset=loaded.name)
    name = loaded.name if isinstance(source, pd.DataFrame) else str(source)
    values = merge(values, {**over, "method": Path(how).stem})
    if isinstance(values.get("data", {}), Mapping):  # else parse() says what is wrong with it
        values = merge(values, {"data": {"dataset": name}})
    resolved = resolve(parse(values, where=str(config or "config")))
    parts = make_split(loaded, name=resolved.data.split, seed=resolved.data.split_seed)
    if resolved.training.refit == "valid" and parts.fixed:
        raise UserError(
            f"--refit: the split must have no published validation part, got {parts.name!r}, whose figures are "
            "defined without a refit; leave --refit out, or use --refit all for a model to serve"
        )
    return Prepared(resolved, loaded, parts)


def expected_memory(prepared: Prepared) -> int:
    """Bytes the training takes at its peak, above the program's own: an estimate from the counts.

    Tables: parameters, gradient, two moments, the best epoch's parameters and embeddings, and for each of the
    embedded graphs (main and views) three more; graphs: int32 columns and float32 ones in both directions, and
    while a view is drawn the hashes in int64; the contrast's and the ranking's buffers.
    """
    config, data = prepared.config, prepared.split.train
    width = int(config.encoder.arguments.get("embedding_dim", 64))
    graphs = 1 if config.views is None else 1 + NUM_VIEWS
    tables = (6 + 3 * graphs) * (data.num_users + data.num_items) * width * 4
    edges = 2 * len(data) * (8 * graphs + (48 if config.views is not None else 0))
    pairs = 40 * len(data)
    return tables + edges + pairs + 2 * 64 * 2**20


def _is_file(method: str) -> bool:
    return Path(method).suffix == ".toml" and Path(method).is_file()


def _chosen(values: Mapping[str, Any]) -> str | None:
    """The data set a config file names."""
    data = values.get("data")
    return str(data["dataset"]) if isinstance(data, Mapping) and "dataset" in data else None


def _method(how: str, over: Mapping[str, Any], *, dataset: str) -> dict[str, Any]:
    """The method's file; a whole config under a name of its own (a run's ``config.toml``) needs none."""
    if how not in method_names(dataset) and "method" in over and "loss" in over:
        return {}
    return read_toml(method_file(how, dataset=dataset))
