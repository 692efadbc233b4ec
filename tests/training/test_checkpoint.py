from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from sgl_rec.errors import UserError
from sgl_rec.training.checkpoint import Checkpoint, load_module


def saved(path: Path) -> Checkpoint:
    checkpoint = Checkpoint(values={"epoch": 3, "value": 0.1 + 0.2, "nested": {"a": [1, None]}})
    checkpoint.put("encoder", {"nodes": torch.arange(6.0).view(2, 3)})
    checkpoint.put("encoder2", {"nodes": torch.zeros(1)})
    checkpoint.save(path)
    return checkpoint


def test_round_trip_is_exact(tmp_path: Path) -> None:
    before = saved(tmp_path / "c.safetensors")
    after = Checkpoint.load(tmp_path / "c.safetensors")
    assert after.values == before.values
    assert set(after.group("encoder")) == {"nodes"}, "a prefix is whole: encoder is not encoder2"
    assert torch.equal(after.group("encoder")["nodes"], before.group("encoder")["nodes"])


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 100, -1])
def test_truncated_file_is_one_clear_line(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "c.safetensors"
    saved(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"c\.safetensors: must be a whole checkpoint"):
        Checkpoint.load(path)


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.safetensors"):
        Checkpoint.load(tmp_path / "none.safetensors")


def test_other_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sgl_rec.training.checkpoint.FORMAT", 99)
    saved(tmp_path / "c.safetensors")
    monkeypatch.undo()
    with pytest.raises(UserError, match="format must be 2, got 99"):
        Checkpoint.load(tmp_path / "c.safetensors")


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.safetensors"
    saved(path)
    before = path.read_bytes()

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sgl_rec.training.checkpoint.save_file", full)
    with pytest.raises(UserError, match="No space left"):
        saved(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.safetensors"]


def test_other_parameters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must hold the parameters of Linear"):
        load_module(nn.Linear(2, 2), {"weight": torch.zeros(9, 9)}, where=tmp_path / "c")


def test_full_disk_in_the_middle_of_the_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("sgl_rec.training.checkpoint.save_file", full)
    with pytest.raises(UserError, match=r"cannot be written \(.*No space left"):
        saved(tmp_path / "c.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_same_state_gives_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        saved(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
