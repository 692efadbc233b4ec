"""``sgl-rec embed``: a run and samples in, a file of vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest


def test_a_file(call: Any, tiny_pretrain: Path, pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    result = call("embed", tiny_pretrain, pictures, "--output", path, "--set", 'data.only=["bar-0/*"]')
    assert (result.code, result.out) == (0, "")
    assert result.err == f"8 vectors of 16 numbers in {path}\n"
    assert pd.read_csv(path)["label"].tolist() == ["bar-0"] * 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--output", "v.pkl"), "suffix must be .parquet, .csv, .npy"),
        (("--output", "v.csv", "--set", "training.seed=1"), "--set: section must be data, got training"),
        (("--output", "v.csv", "--set", "data.sizes=1"), "did you mean 'size'?"),
        (("--output", "v.csv", "--device", "gpu"), "gpu"),
        (("--output", "v.csv", "--side", "second"), "samples must be pairs, for --side second, got none"),
        (("--output", "v.csv", "--side", "third"), "third"),
    ],
)
def test_one_line_for_a_fault(
    words: tuple[str, ...], message: str, call: Any, tiny_pretrain: Path, pictures: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert message in call("embed", tiny_pretrain, pictures, *words).fault
    assert list(tmp_path.iterdir()) == []


def test_a_recommenders_run_is_none(call: Any, tiny_run: Path, pictures: Path, tmp_path: Path) -> None:
    fault = call("embed", tiny_run, pictures, "--output", tmp_path / "v.csv").fault
    assert "the run must be one of pretrain, got one of train; see evaluate" in fault
