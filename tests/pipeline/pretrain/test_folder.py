"""The folder of a run of self-supervision."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.folder import PretrainFolder


@pytest.fixture
def copy(tiny_pretrain: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_pretrain, tmp_path / "p"))


def test_whole(copy: Path) -> None:
    folder = PretrainFolder.open(copy)
    assert folder.is_finished()
    assert folder.strangers() == []


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must be a run folder with config.toml, got none"):
        PretrainFolder.open(tmp_path)


def test_an_edited_config_is_named(copy: Path) -> None:
    config = copy / "config.toml"
    config.write_text(config.read_text().replace("seed = 0", "seed = 1"))
    with pytest.raises(UserError, match=r"config.toml: must be as the run wrote it, .*train anew with --config"):
        PretrainFolder.open(copy)


@pytest.mark.parametrize("name", ["model.safetensors", "metrics.json", "history.parquet"])
def test_a_damaged_result_is_no_result(copy: Path, name: str) -> None:
    damaged = bytearray((copy / name).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (copy / name).write_bytes(damaged)
    assert not PretrainFolder.open(copy).is_finished()


def test_the_recommenders_commands_say_what_it_is(copy: Path) -> None:
    from sgl_rec.pipeline.run_folder import RunFolder

    with pytest.raises(UserError, match="the run must be one of train, got one of pretrain"):
        RunFolder.open(copy)
