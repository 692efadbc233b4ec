"""The split that came with the data: one file a part, a column of the log, or ``split_<name>.parquet``."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pydantic

from sgl_rec.data.clean import FILTERED, REASONS
from sgl_rec.data.ids import pair_keys
from sgl_rec.data.readers import parquet
from sgl_rec.data.readers.columns import PARTS
from sgl_rec.data.split_random import hold_out
from sgl_rec.errors import UserError, must_be
from sgl_rec.files import sha256
from sgl_rec.types import Dataset, Interactions, Split, concatenate

logger = logging.getLogger("sgl_rec")

STANDARD = "standard"
"""The name of the split that stands in the files of the interactions themselves."""
HEADER = b"sgl_rec_split"


class Drawn(pydantic.BaseModel):
    """How a stored split was made, where it was drawn by this program: in the header of its file.

    Args:
        rule: the ``--split`` it was drawn by.
        known_only, facts: those of the ``Split``.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True)
    rule: str
    known_only: bool = False
    facts: dict[str, str | int | float | None] = {}


def fixed_names(dataset: Dataset) -> list[str]:
    """The fixed splits that are there."""
    own = [STANDARD] if dataset.part is not None and STANDARD not in dataset.split_files else []
    return [*own, *dataset.split_files]


def fixed_split(dataset: Dataset, *, name: str, seed: int = 0, valid_share: float = 0.1) -> Split:
    """The split ``name``, one of ``fixed_names``: each interaction in the part its file says.

    Interactions that are in no part join ``dropped``. Where no validation part was published, a share of each
    user's train interactions (by the rule of ``random_split``) is held out for it, and the split is not
    ``fixed``: it may be trained again on train and validation together. Nor is one that this program drew and
    stored. Which parts' items leave the ranking at test is the catalogue's word, train and validation items by
    default.

    Raises: UserError for a file that is damaged, has other parts than train, valid and test, no train or test
        part, or a pair the data does not have.
    """
    path = dataset.split_files.get(name)
    where = dataset.source if path is None else str(path)
    part, drawn = fixed_parts(dataset, name=name), drawn_of(dataset, name=name)
    pairs = dataset.interactions
    for needed in (0, 2):
        if not (part == needed).any():
            raise must_be(where, f"the {PARTS[needed]} part", "at least one pair", "none")
    published = bool((part == PARTS.index("valid")).any())
    facts: dict[str, str | int | float | None] = {}
    if not published:
        rows = np.flatnonzero(part == PARTS.index("train"))
        held = rows[hold_out(pairs.take(rows), share=valid_share, seed=seed)]
        logger.info("no validation part was published: %d train interactions are held out for it", len(held))
        part[held] = PARTS.index("valid")
        facts = {"split_seed": seed, "valid_share": valid_share}
    train, valid, test = (pairs.take(part == code) for code in range(3))
    return Split(
        name,
        train,
        valid,
        test,
        concatenate([dataset.dropped, pairs.take(part < 0)]),
        remove_at_test=dataset.protocols.get(name, ("train", "valid")),
        fixed=published and drawn is None,
        sha256=dataset.sha256 if path is None else sha256(path),
        known_only=drawn is not None and drawn.known_only,
        facts=facts if drawn is None else {"rule": drawn.rule, **drawn.facts, **facts},
    )


def fixed_parts(dataset: Dataset, *, name: str) -> np.ndarray:
    """The code of every interaction's part (index into ``PARTS``) in the split ``name``, -1 for those in none."""
    if name not in dataset.split_files:
        assert dataset.part is not None, "the name is one of fixed_names"
        return dataset.part.astype(np.int64)
    path = dataset.split_files[name]
    frame = _read_parts(path)
    user, item = _indices(frame, dataset)
    unknown = _places(user, item, dataset.interactions) < 0
    if unknown.any():
        raise _of_other_data(path, frame[unknown], dataset)
    return parts_of_pairs(user, item, frame["part"], dataset.interactions, where=str(path))


def fits(dataset: Dataset, *, name: str) -> bool:
    """Whether all pairs of the stored split are interactions of the data. Raises: UserError for damage."""
    user, item = _indices(_read_parts(dataset.split_files[name]), dataset)
    return bool((_places(user, item, dataset.interactions) >= 0).all())


def drawn_of(dataset: Dataset, *, name: str) -> Drawn | None:
    """How the split ``name`` was drawn, where this program has drawn and stored it.

    Raises: UserError for a file that is damaged.
    """
    return _read_header(dataset.split_files[name]) if name in dataset.split_files else None


def parts_of_pairs(
    user: np.ndarray,
    item: np.ndarray,
    part: pd.Series[Any] | pd.Categorical[Any],
    pairs: Interactions,
    *,
    where: str,
) -> np.ndarray:
    """The code of every pair's part, -1 for none, by rows of indices; of several the earliest.

    A row whose pair is not among ``pairs`` (it was left out) counts for nothing.

    Example:
        >>> pairs = Interactions(np.array([0, 1]), np.array([1, 0]), 2, 2)
        >>> names = pd.Categorical(["test", "valid", "train"])
        >>> parts_of_pairs(np.array([0, 0, 1]), np.array([1, 1, 1]), names, pairs, where="log").tolist()
        [1, -1]
    """
    place = _places(user, item, pairs)
    code = pd.Categorical(np.asarray(part).astype(str), categories=list(PARTS)).codes
    found = np.full(len(pairs), -1)
    for current in (2, 1, 0):
        found[place[(code == current) & (place >= 0)]] = current
    if repeated := int((code > found[place])[place >= 0].sum()):
        logger.warning("%s: %d rows repeat a pair; each counts for its earliest part", where, repeated)
    return found


def _indices(frame: pd.DataFrame, dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return dataset.users.index_of(frame["user_id"]), dataset.items.index_of(frame["item_id"])


def _of_other_data(path: Path, strangers: pd.DataFrame, dataset: Dataset) -> UserError:
    """The message for a split with pairs the data does not have: the likely cause is a filter given now."""
    row = strangers.iloc[0]
    left = [f"{count:,} {REASONS[reason]}" for reason, count in dataset.rows.items() if reason in FILTERED]
    advice = "write the split again"
    if left:
        advice = (
            f"rows of the data were left out now ({', '.join(left)}): a stored split is of all of them, so leave "
            "the filters out, or store the data with them first (sgl-rec datasets prepare) and split that"
        )
    got = f"user {row['user_id']}, item {row['item_id']} ({len(strangers):,} are not)"
    return must_be(str(path), "every pair", "an interaction of the data", got, advice)


def _places(user: np.ndarray, item: np.ndarray, pairs: Interactions) -> np.ndarray:
    """Where each pair stands among ``pairs``, -1 for those that are not there."""
    keys = pair_keys(pairs)
    order = np.argsort(keys)
    asked = user * pairs.num_items + item
    place = order[np.minimum(np.searchsorted(keys, asked, sorter=order), len(keys) - 1)]
    return np.where((user < 0) | (item < 0) | (keys[place] != asked), -1, place)


def write_split(path: Path, frame: pd.DataFrame, *, drawn: Drawn | None = None) -> None:
    """Write ``user_id``, ``item_id``, ``part`` as Parquet to ``path`` (a temporary name), and how it was made."""
    columns = frame[["user_id", "item_id", "part"]].astype({"part": "category"})
    table = pa.Table.from_pandas(columns, preserve_index=False)
    header = {} if drawn is None else {HEADER: drawn.model_dump_json().encode()}
    pyarrow.parquet.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), **header}), path)


def _read_header(path: Path) -> Drawn | None:
    with pyarrow.parquet.ParquetFile(path) as file:
        header = (file.schema_arrow.metadata or {}).get(HEADER)
    if header is None:
        return None
    try:
        return Drawn.model_validate(json.loads(header))
    except (pydantic.ValidationError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: the header must say how the split was drawn; write the split again") from error


def _read_parts(path: Path) -> pd.DataFrame:
    names = parquet.column_names(path)
    wanted = ["user_id", "item_id", "part"]
    if missing := [column for column in wanted if column not in names]:
        raise must_be(str(path), "columns", ", ".join(wanted), f"no {missing[0]}")
    frame = parquet.read_columns(path, wanted)
    known = frame["part"].isin(PARTS)
    if not known.all():
        raise must_be(str(path), "part", "train, valid or test", repr(frame["part"][~known].tolist()[0]))
    return frame
