"""The Parquet tables of a run folder: ids and titles, pairs and their parts; every page has a checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sgl_rec.files import atomic_path
from sgl_rec.types import Ids, Interactions


def write_table(table: pa.Table, path: Path) -> None:
    """With a checksum a page: a flipped bit is an error at reading and no other list."""
    pq.write_table(table, path, write_page_checksum=True)


def read_table(path: Path) -> pa.Table:
    # ParquetFile, not read_table: a folder of that name is no file of ours, and its error is as clear.
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        return file.read()


def _id_type(ids: Ids) -> pa.DataType:
    return pa.int64() if ids.is_integer else pa.string()


def write_ids(path: Path, users: Ids, items: Ids, titles: np.ndarray | None) -> None:
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
        write_table(table.replace_schema_metadata({"id_types": json.dumps(kinds)}), temporary)


def read_ids(path: Path) -> tuple[Ids, Ids, np.ndarray | None]:
    table = read_table(path)
    kinds = json.loads(table.schema.metadata[b"id_types"])
    frame = table.to_pandas()
    found = {}
    for kind in ("user", "item"):
        texts = frame.loc[frame["kind"] == kind, "id"]
        values = texts.astype("int64") if kinds[kind] == "int64" else texts.astype(object)
        found[kind] = Ids(pd.Index(values.to_numpy()))
    # From the table, not the frame: a missing title is None, not NaN.
    titles = np.array(table["title"].to_pylist(), object)[frame["kind"] == "item"] if kinds["titles"] else None
    return found["user"], found["item"], titles


def write_pairs(
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
        write_table(table.replace_schema_metadata(dict(header)), temporary)


def read_pairs(table: pa.Table, users: Ids, items: Ids) -> dict[str, Interactions]:
    """The parts, each in the order in which it was written: a resume draws the same batches."""
    user = users.index_of(table["user_id"].to_numpy())
    item = items.index_of(table["item_id"].to_numpy())
    part = table["part"].to_pandas().astype(str).to_numpy()
    return {
        name: Interactions(user[part == name], item[part == name], len(users), len(items))
        for name in ("train", "valid", "test", "dropped")
    }
