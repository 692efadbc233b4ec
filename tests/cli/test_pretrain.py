"""``sgl-rec pretrain``: a folder of samples in, a run out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kornia")
SMALL = (
    "--set", "data.size=8", "--set", "data.num_channels=1", "--set", "encoder.width=4",
    "--set", "head.output_dim=8", "--set", "training.batch_size=16", "--max-epochs", "1", "--threads", "1",
)  # fmt: skip


def test_a_run(call: Any, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("pretrain", "vision", pictures, *SMALL, "--out", "run")
    assert (result.code, result.out) == (0, "run\n"), result.err
    said = result.err.splitlines()
    assert said[0].split() == ["method", "simclr"]
    assert said[1].startswith(f"samples  32 from {pictures}, 4 classes")
    assert said[-1] == f"next: sgl-rec embed run {pictures} --output vectors.parquet"
    assert call("pretrain", "--resume", "run", "--quiet").out == "run\n"
    assert (
        "must not exist, got a run; use --overwrite" in call("pretrain", "vision", pictures, "--out", "run").fault
    )
    named = call("pretrain", "vision", pictures, *SMALL, "--quiet").out
    assert named.startswith("runs/pictures")
    assert "-simclr-" in named


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("vision",), "a modality and its samples must be given"),
        (("visions", "x"), "must be a known modality, got 'visions'; did you mean 'vision'?"),
        (("vision", "nowhere"), "nowhere"),
        (("vision", "x", "--method", "simclt"), "did you mean 'simclr'?"),
        (("vision", "x", "--set", "encoder.widht=3"), "did you mean 'width'?"),
        (("--resume", "nowhere"), "nowhere: must be a run folder with config.toml, got none"),
        (("--resume", "run", "--max-epochs", "3"), "--max-epochs cannot be given with --resume"),
        (("--resume", "run", "--set", "a.b=3"), "--set cannot be given with --resume"),
        (("vision", "x", "--resume", "run"), "vision cannot be given with --resume"),
    ],
)
def test_one_line_for_a_fault(
    words: tuple[str, ...],
    message: str,
    call: Any,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").symlink_to(pictures)
    assert message in call("pretrain", *words).fault
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
