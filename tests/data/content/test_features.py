"""Files of vectors: which rows belong to which items, and what is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sgl_rec.data.content.features import read_features
from sgl_rec.errors import UserError
from sgl_rec.export.vectors import write_vectors
from sgl_rec.types import Ids

ITEMS = Ids(pd.Index([3, 1, 7]))
TEXTS = Ids(pd.Index(["007", "a b", "x"]))


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def npy(path: Path, rows: np.ndarray) -> Path:
    np.save(path, rows, allow_pickle=True)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint16])
def test_row_i_is_of_item_i(dtype: type, tmp_path: Path) -> None:
    rows, known = read_features(npy(tmp_path / "f.npy", np.arange(10).reshape(5, 2).astype(dtype)), ITEMS)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[6, 7], [2, 3], [0, 0]]
    assert known.tolist() == [True, True, False]


def test_a_negative_id_is_no_row_from_the_end(tmp_path: Path) -> None:
    path = npy(tmp_path / "f.npy", np.eye(2))
    rows, known = read_features(path, Ids(pd.Index([-1, 0])))
    assert (rows.tolist(), known.tolist()) == ([[0, 0], [1, 0]], [False, True])


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
@pytest.mark.parametrize("labels", [None, ["u", "v", "w"]])
def test_what_embed_writes(suffix: str, labels: list[str] | None, tmp_path: Path) -> None:
    path, vectors = tmp_path / f"v{suffix}", torch.arange(6).reshape(3, 2) / 4
    write_vectors(path, vectors, names=["1", "3", "9"], labels=labels)
    rows, known = read_features(path, ITEMS)
    assert (rows.tolist(), known.tolist()) == ([[0.5, 0.75], [0, 0.25], [0, 0]], [True, True, False])


def test_what_embed_writes_of_one_file_of_numpy(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    write_vectors(path, torch.eye(4), names=list("abcd"))
    assert read_features(path, ITEMS)[0].tolist() == [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.list_(pa.float16(), 2), pa.list_(pa.int64())])
def test_a_column_of_lists(kind: pa.DataType, tmp_path: Path) -> None:
    values = np.array([1, 2, 3, 4]).astype(kind.value_type.to_pandas_dtype())
    lists = pa.array([values[:2], values[2:]], kind)
    rows, known = read_features(parquet(tmp_path / "f.parquet", item_id=[7, 3], vector=lists), ITEMS)
    assert (rows.tolist(), known.tolist()) == ([[3, 4], [0, 0], [1, 2]], [True, False, True])


def test_a_column_of_large_lists(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.large_list(pa.float32()))
    rows, _ = read_features(parquet(tmp_path / "f.parquet", item_id=[7, 3], vector=lists), ITEMS)
    assert rows.tolist() == [[3, 4], [0, 0], [1, 2]]


def test_columns_of_numbers(tmp_path: Path) -> None:
    path = parquet(tmp_path / "f.parquet", a=[0.5, 1.5], item_id=[1, 3], b=[True, False], name=["x", "y"])
    assert read_features(path, ITEMS)[0].tolist() == [[1.5, 0], [0.5, 1], [0, 0]], "item_id goes before name"
    path = tmp_path / "f.csv"
    path.write_text("item_id;a;b\n1;0.5;1e-3\n3;-2;4\n;8;8\n")
    rows, known = read_features(path, ITEMS)
    np.testing.assert_allclose(rows, np.array([[-2, 4], [0.5, 1e-3], [0, 0]]))
    assert known.tolist() == [True, True, False]


def test_large_whole_numbers(tmp_path: Path) -> None:
    rows, _ = read_features(parquet(tmp_path / "f.parquet", item_id=[1], price=[20_000_001]), ITEMS)
    assert rows[1, 0] == np.float32(20_000_001)


def test_blanks_beside_numbers(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("item_id, a, b\n1, 2, 3\n")
    assert read_features(path, ITEMS)[0][1].tolist() == [2, 3]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_ids_that_are_texts(suffix: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["x", "007", "7"], "label": ["l", "m", "n"], "f": [1.0, 2.0, 3.0]})
    path = tmp_path / f"f{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(path, index=False)
    rows, known = read_features(path, TEXTS)
    assert (rows.tolist(), known.tolist()) == ([[2], [0], [1]], [True, False, True])


def test_numpy_has_no_ids_that_are_texts(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"ids of items must be integers, .* got texts; write a \.parquet or \.csv"
    ):
        read_features(npy(tmp_path / "f.npy", np.eye(3)), TEXTS)


def test_what_is_not_asked_for_may_be_anything(tmp_path: Path) -> None:
    rows = np.array([[np.nan], [1], [np.inf], [2]])
    assert read_features(npy(tmp_path / "f.npy", rows), ITEMS)[0].tolist() == [[2], [1], [0]]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_numbers_that_are_not_finite(value: float, tmp_path: Path) -> None:
    rows = np.ones((8, 3))
    rows[7, 2] = value
    with pytest.raises(UserError, match=r"features must be finite numbers, got another value for item 7"):
        read_features(npy(tmp_path / "f.npy", rows), ITEMS)
    path = parquet(tmp_path / "f.parquet", item_id=[1, 7], a=[0.5, value])
    with pytest.raises(UserError, match="another value for item 7"):
        read_features(path, ITEMS)
    with pytest.raises(UserError, match="another value for item 7"):
        read_features(parquet(path, item_id=[1, 7], a=[0.5, None]), ITEMS)
    with pytest.raises(UserError, match="another value for item 7"):
        read_features(parquet(path, item_id=[1, 7], a=[[1.0, 2.0], [1.0, None]]), ITEMS)


@pytest.mark.parametrize(
    "rows",
    [
        np.arange(8.0),
        np.ones((8, 2, 2)),
        np.ones((8, 0)),
        np.ones((8, 2), bool),
        np.ones((8, 2), complex),
        np.full((8, 2), "1"),
        np.zeros(8, [("a", "f4")]),
    ],
)
def test_arrays_that_are_no_features(rows: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"f\.npy: the features must be numbers of shape \(items, features\), got"
    ):
        read_features(npy(tmp_path / "f.npy", rows), ITEMS)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    for rows in (np.array([[1, "a"]] * 8, dtype=object), np.zeros((8, 2), dtype=object)):
        with pytest.raises(UserError, match=r"whole NumPy file of numbers, got .*allow_pickle") as caught:
            read_features(npy(tmp_path / "f.npy", rows), ITEMS)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no array", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'"])
def test_a_file_that_is_no_array(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "f.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"f\.npy: the features must be a whole NumPy file of numbers"):
        read_features(tmp_path / "f.npy", ITEMS)


def test_an_array_that_was_cut_off(tmp_path: Path) -> None:
    path = npy(tmp_path / "f.npy", np.eye(8))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="whole NumPy file of numbers"):
        read_features(path, ITEMS)


def test_an_array_that_claims_more_than_it_has(tmp_path: Path) -> None:
    with (tmp_path / "f.npy").open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(UserError, match="whole NumPy file of numbers"):
        read_features(tmp_path / "f.npy", ITEMS)


def test_an_archive_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", a=np.eye(8))
    with pytest.raises(UserError, match=r"suffix of features must be \.npy, \.parquet or \.csv, got '\.npz'"):
        read_features(tmp_path / "f.npz", ITEMS)
    (tmp_path / "f.npz").rename(tmp_path / "f.npy")
    with pytest.raises(UserError, match="got NpzFile"):
        read_features(tmp_path / "f.npy", ITEMS)


@pytest.mark.parametrize(
    ("column", "got"),
    [
        (pa.array([[1.0], [1.0, 2.0]]), "lists of 1 and 2 values"),
        (pa.array([[1.0, 2.0], None]), "lists of 2 and nan values"),
        (pa.array(["a", "b"]), "Failed to parse"),
        (pa.array([["a"], ["b"]]), "Failed to parse"),
        (pa.array([{"x": 1}, {"x": 2}]), "list_value_length"),
        pytest.param(
            pa.array([[[1.0]], [[2.0, 3.0]]]), "", id="lists of ragged lists",
        ),
        pytest.param(
            pa.array([[[1.0, 2.0]], [[3.0, 4.0]]]),
            "",
            id="lists of lists",
        ),
        pytest.param(
            pa.array([[], []], pa.list_(pa.float32())),
            "",
            id="empty lists",
        ),
    ],
)  # fmt: skip
def test_columns_that_are_no_features(column: pa.Array, got: str, tmp_path: Path) -> None:
    path = parquet(tmp_path / "f.parquet", item_id=[1, 3], a=column)
    with pytest.raises(
        UserError, match=r"features must be numbers, (as many|one or more) for every item"
    ) as caught:
        read_features(path, ITEMS)
    assert got in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("item_id,a\n1,x\n", "features must be numbers, as many for every item"),
        ("item_id,a\n1,\n", "features must be numbers, as many for every item"),
        ("item_id,a\n1,[1 2]\n", "features must be numbers, as many for every item"),
        ("item_id,a\n1,nan\n", "got another value for item 1"),
        ("sku,a\n1,2\n", "columns must be item_id and numbers, got 'sku', 'a'"),
        ("item_id\n1\n", "columns must be item_id and numbers, got 'item_id'"),
        ("item_id,a\n1,2\n7,3\n1,4\n", "item_id must be distinct, got '1'; keep one row of it"),
        ("name,a\n5,2\n5,3\n", "name must be distinct, got '5'"),
        ("item_id,a\n8,2\n9,3\n", "features must be of items of the data, got none of '3' and others"),
        ("item_id,a\n", "features must be of items of the data"),
        ("", "got an empty file"),
    ],
)
def test_tables_that_are_no_features(text: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(UserError) as caught:
        read_features(tmp_path / "f.csv", ITEMS)
    assert rule in str(caught.value)
    assert "f.csv" in str(caught.value)


def test_none_of_the_items(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"features must be of items of the data, got none of '3' and others"):
        read_features(npy(tmp_path / "f.npy", np.eye(1)), ITEMS)


def test_files_that_are_none(tmp_path: Path) -> None:
    for path in (tmp_path / "none.npy", tmp_path):
        with pytest.raises(
            UserError, match=r"the features must be a file \(\.npy, \.parquet or \.csv\), got none"
        ):
            read_features(path, ITEMS)
    (tmp_path / "f.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"f\.parquet: the file must be readable Parquet"):
        read_features(tmp_path / "f.parquet", ITEMS)
