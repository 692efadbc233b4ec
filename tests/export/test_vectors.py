"""Vectors with their names, whatever the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.export.vectors import FORMATS, write_vectors

VECTORS = torch.tensor([[0.1, -2.0], [3.5, 1e-7], [0.0, 4.0]])
NAMES = ["a, b.png", "ü.png", "c.png"]


def read(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    if path.suffix == ".csv":
        return pd.read_csv(path)[["0", "1"]].to_numpy(np.float32)
    return np.stack(pd.read_parquet(path)["vector"].tolist())


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("number", [0, 3])
def test_the_same_vectors_come_back(suffix: str, number: int, tmp_path: Path) -> None:
    path = tmp_path / f"v{suffix}"
    write_vectors(path, VECTORS[:number], names=NAMES[:number], labels=["x", "y", "x"][:number])
    if number:
        np.testing.assert_array_equal(read(path), VECTORS.numpy())
    names = {
        ".npy": lambda: Path(f"{path}.txt").read_text("utf-8").splitlines(),
        ".csv": lambda: pd.read_csv(path)["name"].tolist(),
        ".parquet": lambda: pd.read_parquet(path)["name"].tolist(),
    }[suffix]()
    assert names == NAMES[:number]
    if suffix != ".npy" and number:
        table = pd.read_csv(path) if suffix == ".csv" else pd.read_parquet(path)
        assert table["label"].tolist() == ["x", "y", "x"]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"suffix must be .parquet, .csv, .npy, got '.pkl'; choose another name"):
        write_vectors(tmp_path / "v.pkl", VECTORS, names=NAMES)
    assert not list(tmp_path.iterdir())
