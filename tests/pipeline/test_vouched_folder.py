"""What every run's folder holds, whatever was trained: ``test_run_folder.py`` has a recommender's."""

from __future__ import annotations

from pathlib import Path

import pytest

from sgl_rec.errors import UserError
from sgl_rec.pipeline.vouched_folder import VouchedFolder


class Folder(VouchedFolder):
    resume = "sgl-rec again"


@pytest.fixture
def folder(tmp_path: Path) -> VouchedFolder:
    made = Folder(tmp_path / "run")
    made.checkpoints.mkdir(parents=True)
    made.write_environment({"torch": "2"})
    made.write_settings("a = 1\n")
    made.write_outcome([{"epoch": 1, "loss": 0.5}], {"test": {"m": 1.0}})
    return made


def test_what_was_written_is_read(folder: VouchedFolder) -> None:
    again = Folder(folder.path)
    again.check(again.config_file)
    assert again.read_json(again.metrics_file) == {"test": {"m": 1.0}}
    assert again.read_json(again.environment_file) == {"torch": "2"}
    assert again.read_history().to_dict("records") == [{"epoch": 1, "loss": 0.5}]
    assert set(again.manifest["sha256"]) == {
        "config.toml",
        "history.parquet",
        "metrics.json",
        "checkpoint/environment.json",
    }


@pytest.mark.parametrize("name", ["metrics.json", "history.parquet"])
def test_a_changed_byte_is_an_error_that_says_what_to_do(folder: VouchedFolder, name: str) -> None:
    file = folder.path / name
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    again = Folder(folder.path)
    with pytest.raises(UserError, match=rf"another checksum; write it again with sgl-rec again {folder.path}"):
        again.read_history() if name == "history.parquet" else again.read_json(file)


def test_what_is_not_of_its_making_is_named_and_cleared_with_the_rest(folder: VouchedFolder) -> None:
    assert folder.strangers() == []
    (folder.path / "notes.txt").write_text("mine")
    assert folder.strangers() == ["notes.txt"]
    with folder.writing():
        folder.clear()
    assert [entry.name for entry in folder.path.iterdir()] == ["lock"]
