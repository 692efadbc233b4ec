"""Every file of a run folder damaged in every way, and full disks: one line that names the file, or no harm."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.train import resume
from sgl_rec.pipeline.vouched_folder import FORMAT
from sgl_rec.training.checkpoint import Checkpoint

FILES = [
    "config.toml", "manifest.json", "ids.parquet", "interactions.parquet", "model.safetensors", "history.parquet",
    "metrics.json", "users.parquet", "checkpoint/environment.json", "checkpoint/search.safetensors",
]  # fmt: skip
NO_HARM = {"log.txt", "lock"}
"""Files for people; nothing is read from them."""


def flipped(whole: bytes, share: float, bit: int) -> bytes:
    place = int(share * (len(whole) - 1))
    return whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :]


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "last byte": lambda whole: whole[:-1],
    "longer": lambda whole: whole + b"\0",
    "zeros": lambda whole: bytes(len(whole)),
    "text": lambda whole: b"[1, 2]\n",
    "nested": lambda whole: b"[" * 100_000,
    "absent": lambda whole: None,
    **{
        f"bit {bit} at {share}": lambda whole, share=share, bit=bit: flipped(whole, share, bit)  # type: ignore[misc]
        for share, bit in [(0.0, 0), (0.01, 3), (0.2, 5), (0.5, 1), (0.7, 6), (0.97, 0), (1.0, 2)]
    },
}


def uses(path: Path) -> dict[str, Callable[[], Any]]:
    """Everything that reads a run folder, and what comes of it."""
    run = sgl_rec.load_run
    return {
        "evaluate": lambda: run(path).evaluate()["test"],
        "recommend": lambda: run(path).recommend([1, 2], k=3).to_dict(),
        "similar": lambda: run(path).similar([17], k=3).to_dict(),
        "metrics": lambda: run(path).metrics,
        "history": lambda: run(path).history.to_dict(),
        "resume": lambda: resume(path, threads=1).metrics,
    }


@pytest.fixture(scope="module")
def expected(tiny_run: Path) -> dict[str, Any]:
    return {name: use() for name, use in uses(tiny_run).items()}


def test_these_are_all_files(tiny_run: Path) -> None:
    there = {path.relative_to(tiny_run).as_posix() for path in tiny_run.rglob("*") if path.is_file()}
    assert there == {*FILES, *NO_HARM}


@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("file", FILES)
def test_damage_is_one_line_that_names_the_file_or_does_no_harm(
    file: str, how: str, run_copy: Path, expected: dict[str, Any], restored_state: None
) -> None:
    content = DAMAGE[how]((run_copy / file).read_bytes())
    refused = []
    for name, use in uses(run_copy).items():
        if content is None:
            (run_copy / file).unlink(missing_ok=True)
        else:
            (run_copy / file).write_bytes(content)
        try:
            assert use() == expected[name], f"{name} came to something else"
        except UserError as error:
            refused.append(name)
            text = str(error)
            assert "\n" not in text
            assert Path(file).name in text or (how == "absent" and "--resume" in text)
            assert any(word in text for word in ("train again", "--resume", "--config", "check the path"))
    if file == "config.toml":
        assert set(refused) >= {"evaluate", "resume"}
    elif file.startswith("i"):
        assert set(refused) == {"evaluate", "recommend", "similar", "resume"}
    elif file == "model.safetensors":
        assert set(refused) == {"evaluate", "recommend", "similar"}, "a resume makes it again"


@pytest.mark.parametrize("how", DAMAGE)
def test_a_resume_from_a_damaged_checkpoint_is_refused(run_copy: Path, how: str, restored_state: None) -> None:
    """The results are lost too: nothing is left to fall back on but a fresh start, which an absent one is."""
    for name in ("metrics.json", "model.safetensors"):
        (run_copy / name).unlink()
    file = run_copy / "checkpoint/search.safetensors"
    content = DAMAGE[how](file.read_bytes())
    if content is None:
        file.unlink()
        assert len(resume(run_copy, threads=1).history) == 2
        return
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"search\.safetensors: must be a whole checkpoint, .*; .*train again"):
        resume(run_copy, threads=1)
    assert not (run_copy / "metrics.json").exists()


def test_a_folder_of_another_version_is_one_line(run_copy: Path) -> None:
    file = run_copy / "manifest.json"
    manifest = json.loads(file.read_text())
    assert manifest["format"] == FORMAT
    file.write_text(json.dumps(manifest | {"format": 99, "sgl_rec": "7.1"}))
    for name, use in uses(run_copy).items():
        with pytest.raises(UserError, match=r"manifest\.json: format .* must be 1, got 99; use .*sgl-rec 7\.1"):
            use()
        assert name


LIMITED = (
    "import resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
    "from sgl_rec.cli.main import main\n"
    "main(sys.argv[2:])\n"
)


def limited(size: int, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command where no file may grow beyond ``size`` bytes: a disk that is full half way."""
    command = [sys.executable, "-B", "-c", LIMITED, str(size), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
@pytest.mark.parametrize("verb", ["recommend", "evaluate"])
@pytest.mark.parametrize("name", ["lists.csv", "lists.parquet", "lists.jsonl"])
def test_a_full_disk_leaves_the_old_lists(run_copy: Path, tmp_path: Path, verb: str, name: str) -> None:
    (tmp_path / name).write_text("old")
    before = sorted(tmp_path.rglob("*"))
    done = limited(50_000, verb, "runs/demo", "--output", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {name}: cannot be written (")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / name).read_text() == "old"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
@pytest.mark.parametrize("size", [10, 40_000, 130_000, 300_000])
def test_a_disk_that_fills_while_training_can_be_freed(tiny_run: Path, tmp_path: Path, size: int) -> None:
    words = ["--method", "lightgcn", "--threads", "1", "--max-epochs", "2", "--set", "encoder.embedding_dim=8"]
    done = limited(size, "train", *words, "--out", "run", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: run/")
    assert "cannot be written (" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.rglob("*.sgl-rec-*"))
    begun = (tmp_path / "run/config.toml").is_file()
    again = ["--resume", "run"] if begun else [*words, "--out", "run", "--overwrite"]
    freed = limited(10**9, "train", *again, "--quiet", cwd=tmp_path)
    assert freed.returncode == 0, freed.stderr
    tensors = [Checkpoint.load(path / "model.safetensors").tensors for path in (tmp_path / "run", tiny_run)]
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[1])


def test_what_a_killed_write_left_goes_with_the_next_resume(run_copy: Path, restored_state: None) -> None:
    left = [
        run_copy / ".ids.sgl-rec-abcdefgh.parquet",
        run_copy / "checkpoint/.search.sgl-rec-12345678.safetensors",
    ]
    for path in left:
        path.write_bytes(b"half")
    pd.testing.assert_frame_equal(resume(run_copy, threads=1).history, sgl_rec.load_run(run_copy).history)
    assert not any(path.exists() for path in left)


def test_another_runs_file_is_no_file_of_this_one(run_copy: Path, tmp_path: Path, restored_state: None) -> None:
    settings = {"encoder": {"embedding_dim": 8}, "training": {"max_epochs": 1, "seed": 5}}
    other = sgl_rec.train("demo", method="lightgcn", settings=settings, out=tmp_path / "other", threads=1)
    for file in ("config.toml", "history.parquet", "metrics.json"):
        copy = Path(shutil.copytree(run_copy, tmp_path / file.partition(".")[0]))
        shutil.copy(other.path / file, copy / file)
        with pytest.raises(UserError, match=rf"{file}: must be as the run wrote it"):
            [use() for name, use in uses(copy).items() if name != "resume"]
