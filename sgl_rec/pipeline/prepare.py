"""All of ``train`` before the first file is written: data, split, resolved config, expected memory."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from sgl_rec.baselines.memory import check_memory
from sgl_rec.config import Config, Data, method_file, method_names, parse
from sgl_rec.data.batches import check_trainable
from sgl_rec.data.clean import in_words
from sgl_rec.data.load import load_dataset
from sgl_rec.data.reading import Reading
from sgl_rec.data.split_fixed import fixed_names
from sgl_rec.data.splits import is_rule, make_split
from sgl_rec.errors import UserError, must_be
from sgl_rec.kernels.backend import KNOWN, choose
from sgl_rec.pipeline.build import baseline_memory, check_described, resolve
from sgl_rec.pipeline.content.encode import read_content, settle
from sgl_rec.pipeline.content.item_content import ItemContent
from sgl_rec.pipeline.content.stage import vectors_for
from sgl_rec.pipeline.device import choose_precision
from sgl_rec.pipeline.memory import release_memory
from sgl_rec.pipeline.warm_start import WarmStart, warm_start
from sgl_rec.settings import merge, read_toml
from sgl_rec.types import Dataset, Split

log = logging.getLogger("sgl_rec")


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that is known before the first step: the resolved config, the data and its split.

    Args:
        values: what the config was resolved from, with the ranges of ``[tune]``, which ``config`` is without.
    """

    config: Config
    dataset: Dataset
    split: Split
    warm: WarmStart | None = None
    content: ItemContent | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vectors(self) -> Tensor | None:
        """Of the items' content."""
        return vectors_for(self.config, self.content)


def prepare(
    dataset: str | Path | pd.DataFrame | None = None,
    *,
    method: str | None = None,
    split: str | None = None,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    device: torch.device | None = None,
    loaded: Dataset | None = None,
) -> Prepared:
    """Load and split the data and resolve the config; arguments and errors are those of ``train``.

    What is given here goes over ``config``, that over the method's file. The method's file is the one made for
    the data set's own name, wherever the data was found. ``device`` decides what the precision ``auto`` is.
    ``loaded`` is ``dataset`` where it has been read before.
    """
    over = merge({} if config is None else read_toml(Path(config)), settings or {})
    given = {"dataset": None if isinstance(dataset, pd.DataFrame) else dataset, "split": split}
    if not isinstance(over.get("data", {}), Mapping):
        raise must_be(str(config or "config"), "data", "a table", repr(over["data"]), "write [data] and its keys")
    over = merge(over, {"data": {key: str(value) for key, value in given.items() if value is not None}})
    how = str(method or over.get("method", "sgl-ed"))
    own = read_toml(Path(how)) if _is_file(how) else {}
    source = dataset if dataset is not None else _chosen(over) or _chosen(own) or "demo"
    name = "dataframe" if isinstance(source, pd.DataFrame) else str(source)
    where = f"{config} over {how}" if config else f"config of {how}"
    # A slip shows before the data is read.
    first = resolve(parse(_values(how, own, over, dataset=Path(name).name, name=name), where=where))
    check_described(first)
    wanted = text_columns(first)
    if loaded is None or (wanted and loaded.text_columns != wanted):
        loaded = load_dataset(source, reading=reading_of(first.data, item_text=wanted))
    values = _values(how, own, over, dataset=loaded.name, name=name)
    resolved = resolve(parse(values, where=where))
    precision = choose_precision(resolved.training.precision, device or torch.device("cpu"))
    training = resolved.training.model_copy(update={"precision": precision})
    content = None if resolved.content is None else settle(resolved.content)
    resolved = resolved.model_copy(update={"training": training, "tune": {}, "content": content})
    if resolved.training.cuda_graph and (device is None or device.type != "cuda"):
        log.warning("training.cuda_graph does nothing on a CPU: it records the step on a GPU")
    if max(resolved.evaluation.k) > len(loaded.items):
        log.warning("k = %d is more than the %d items there are", max(resolved.evaluation.k), len(loaded.items))
    own_parts = fixed_names(loaded)
    if own_parts and "split" not in over.get("data", {}) and is_rule(resolved.data.split):
        log.warning(
            "%s has parts of its own (%s), which split %r does not look at: --split %s takes them as they are",
            loaded.source, ", ".join(own_parts), resolved.data.split, own_parts[0],
        )  # fmt: skip
    parts = make_split(
        loaded,
        name=resolved.data.split,
        seed=resolved.data.split_seed,
        valid_share=resolved.data.valid_share,
        test_share=resolved.data.test_share,
    )
    check_trainable(parts.train)
    if resolved.training.refit == "valid" and parts.fixed:
        raise UserError(
            f"--refit: the split must have no published validation part, got {parts.name!r}, whose figures are "
            "defined without a refit; leave --refit out, or use --refit all for a model to serve"
        )
    choose(resolved.training.backend, device or torch.device("cpu"), having=KNOWN)  # or it cannot run there
    described = None
    if resolved.content is not None:
        described = read_content(
            resolved.content,
            loaded.items,
            loaded.texts,
            learnt_from=parts.train.item_degree() > 0,
            device=device or "cpu",
        )
        learnt_from = torch.from_numpy(parts.train.item_degree() > 0) & described.described
        if resolved.content.tower and not learnt_from.any():
            rule = "described, one or more of those in training"
            raise must_be("content", "items", rule, "none", "check the ids of what describes them")
        for note in described.notes:
            log.warning("%s", note)
    if resolved.baseline is not None or resolved.late_sum is not None:
        check_memory(resolved.method, baseline_memory(resolved, parts.train))
    warm = warm_start(resolved, loaded, parts) if resolved.training.warm_start else None
    release_memory()
    return Prepared(resolved, loaded, parts, warm, described, values)


def reading_of(data: Data, *, item_text: tuple[str, ...] = ()) -> Reading:
    """How ``[data]`` says that a file of interactions is read, and what ``[content]`` wants of its items."""
    known = {
        field.name: getattr(data, field.name) for field in fields(Reading) if field.name in Data.model_fields
    }
    return Reading(**known, item_text=item_text)


def text_columns(config: Config) -> tuple[str, ...]:
    """The columns that ``[content]`` makes texts of."""
    return () if config.content is None else config.content.text


def description(prepared: Prepared, *, device: torch.device) -> str:
    """What is about to be trained, on what: the first lines of a run."""
    config, split, dataset = prepared.config, prepared.split, prepared.dataset
    version = f"@{dataset.version}" if dataset.version else ""
    lines = [
        f"method   {config.method}",
        f"dataset  {dataset.name}{version} from {dataset.source}",
        f"         {len(dataset.users):,} users, {len(dataset.items):,} items, "
        f"{len(dataset.interactions):,} interactions",
        "rows     " + "\n         ".join(in_words(dataset.rows)),
        f"split    {split.name}: train {len(split.train):,}, valid {len(split.valid):,}, "
        f"test {len(split.test):,}",
        f"device   {device}, threads {torch.get_num_threads()}, {config.training.precision}",
    ]
    if prepared.content is not None:
        known = prepared.content.known.sum(dim=0).tolist()
        counts = ", ".join(
            f"{name} of {number:,}" for name, number in zip(prepared.content.blocks, known, strict=True)
        )
        lines.append(f"content  {counts} items")
    if prepared.warm is not None:
        lines.append(f"warm     {prepared.warm}")
    if (late := config.late_sum) is not None:
        weights = " or ".join(f"{one:g}" for one in late.weights)
        lines.append(f"late     {late.name} x {weights} is added in the end; epochs are chosen without it")
    return "\n".join(lines)


def expected_memory(prepared: Prepared) -> int:
    """Bytes the training takes at its peak, above the program's own: an estimate from the counts.

    A baseline says itself what it takes beside the pairs, where that is more than they.

    Tables: parameters, gradient, two moments, the best epoch's parameters and embeddings, and for each of the
    embedded graphs (main and views) three more; graphs: int32 columns and float32 ones in both directions, and
    while a view is drawn the hashes in int64; the contrast's and the ranking's buffers.
    """
    config, data = prepared.config, prepared.split.train
    pairs = 40 * len(data)
    if config.baseline is not None:
        return pairs + baseline_memory(config, data)
    width = int(config.encoder.arguments.get("embedding_dim", 64))
    graphs = 1 if config.views is None else 1 + config.views.num_views
    tables = (6 + 3 * graphs) * (data.num_users + data.num_items) * width * 4
    content = 0
    if prepared.content is not None:  # as it is, and what the tower makes of all of it at once
        content = 3 * sum(4 * block.numel() for block in prepared.content.rows)
    edges = 2 * len(data) * (8 * graphs + (48 if config.views is not None else 0))
    return content + tables + edges + pairs + 2 * 64 * 2**20 + baseline_memory(config, data)


def _is_file(method: str) -> bool:
    return Path(method).suffix == ".toml" and Path(method).is_file()


def _chosen(values: Mapping[str, Any]) -> str | None:
    """The data set a config file names."""
    data = values.get("data")
    return str(data["dataset"]) if isinstance(data, Mapping) and "dataset" in data else None


def _values(
    how: str, own: Mapping[str, Any], over: Mapping[str, Any], *, dataset: str, name: str
) -> dict[str, Any]:
    """The settings of method ``how`` (``own`` where it is the caller's file) with ``over`` on top."""
    values = own or _method(how, over, dataset=dataset)
    label = str(values.get("method", Path(how).stem))
    return merge(merge(values, over), {"method": label, "data": {"dataset": name}})


def _method(how: str, over: Mapping[str, Any], *, dataset: str) -> dict[str, Any]:
    """The method's file; a whole config under a name of its own (a run's ``config.toml``) needs none."""
    if how not in method_names(dataset) and "method" in over and {"loss", "baseline"} & over.keys():
        return {"method": how}
    return read_toml(method_file(how, dataset=dataset))
