"""kill -9 at any moment, then resume: the same final bits."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.run import Run, load_run
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.pipeline.train import resume, train
from sgl_rec.training.checkpoint import Checkpoint
from tests.killing import run_child

MOMENTS = 10
PRELOAD = [
    "sgl_rec.pipeline.train",
    *(f"sgl_rec.kernels.{name}_cpu" for name in ("propagate", "contrast", "thin", "sample", "top_k")),
]
SETTINGS = {
    "encoder": {"embedding_dim": 8, "num_layers": 2},
    "training": {"max_epochs": 10, "batch_size": 512, "refit": "valid"},
}


def log_of_clicks() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    taste = generator.random((200, 4)) @ generator.random((4, 80))
    user, item = np.nonzero(taste > np.quantile(taste, 0.75))
    return pd.DataFrame({"user_id": user, "item_id": item})


def begin(out: Path, method: str) -> None:
    torch.use_deterministic_algorithms(True)
    train(log_of_clicks(), method=method, out=out, overwrite=True, settings=SETTINGS, threads=1)


def go_on(out: Path, method: str) -> None:
    torch.use_deterministic_algorithms(True)
    resume(out, threads=1)


def child(work: Callable[[Path, str], None], out: Path, method: str, *, kill_after: float | None = None) -> int:
    multiprocessing.set_forkserver_preload(PRELOAD)
    return run_child(work, out, method, kill_after=kill_after)


def outcome(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any], pd.DataFrame]:
    run = load_run(path)
    model = Checkpoint.load(run.folder.model_file)
    untimed = {key: value for key, value in run.metrics.items() if key != "seconds"}
    history = run.history.drop(columns=["seconds", "seconds_validation"])
    return model.tensors, untimed, history


@pytest.mark.parametrize("method", ["sgl-ed", "xsimgcl"])
def test_killed_at_any_moment_and_resumed_gives_the_same_bits(method: str, tmp_path: Path) -> None:
    assert child(begin, tmp_path / "first", method) == 0  # compiles: the moments are of a run that does not
    begun = time.perf_counter()
    assert child(begin, tmp_path / "calm", method) == 0
    length = time.perf_counter() - begun
    tensors, metrics, history = outcome(tmp_path / "calm")
    moments = np.random.default_rng(1).uniform(0, length, MOMENTS)
    killed = 0
    for number, moment in enumerate(moments):
        out = tmp_path / f"killed{number}"
        killed += child(begin, out, method, kill_after=moment) == -signal.SIGKILL
        for after in (moment / 2, None):
            work = go_on if (out / "config.toml").is_file() else begin
            code = child(work, out, method, kill_after=after)
            killed += code < 0
        assert code == 0
        again, again_metrics, again_history = outcome(out)
        assert again.keys() == tensors.keys()
        assert all(torch.equal(again[name], tensors[name]) for name in tensors), f"killed after {moment:.2f} s"
        assert again_metrics == metrics
        pd.testing.assert_frame_equal(again_history, history)
    assert killed >= MOMENTS, "most kills must have hit a living process"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("resume") / "run"
    return train(log_of_clicks(), out=out, settings=SETTINGS, threads=1)


def test_resume_of_a_finished_run_changes_nothing(finished: Run) -> None:
    before = {
        path: path.read_bytes() for path in finished.path.rglob("*") if path.suffix in (".safetensors", ".json")
    }
    assert resume(finished.path).metrics == finished.metrics
    assert all(path.read_bytes() == content for path, content in before.items())


def test_change_of_the_environment_warns(
    finished: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = finished.folder.environment_file
    monkeypatch.setattr(
        RunFolder, "read_json", lambda self, path: {**json.loads(path.read_text()), "torch": "0.1"}
    )
    assert file.is_file()
    resume(finished.path)
    assert "resume: torch was 0.1, now" in caplog.text


def test_the_kernels_of_a_run_are_recorded(finished: Run) -> None:
    assert finished.folder.read_json(finished.folder.environment_file)["backend"] == "cpu"


def test_an_edited_config_is_refused(tmp_path: Path, finished: Run) -> None:
    copy = Path(shutil.copytree(finished.path, tmp_path / "run"))
    text = (copy / "config.toml").read_text()
    (copy / "config.toml").write_text(text.replace('backend = "auto"', 'backend = "torch"'))
    with pytest.raises(UserError, match=r"config\.toml: must be as the run wrote it.*train anew with --config"):
        resume(copy)


def test_resume_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="must be a run folder"):
        resume(tmp_path)


def test_a_resume_takes_the_device_and_threads_of_the_run(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def choose(name: str) -> torch.device:
        asked.append(name)
        return torch.device("cpu")

    monkeypatch.setattr("sgl_rec.pipeline.train.choose_device", choose)
    monkeypatch.setattr("sgl_rec.pipeline.train.set_threads", lambda threads: asked.append(threads))
    before = finished.folder.read_json(finished.folder.environment_file)
    monkeypatch.setattr(RunFolder, "read_json", lambda self, path: {**before, "device": "cuda:1", "threads": "3"})
    resume(finished.path)
    resume(finished.path, device="cpu", threads=2)
    assert asked == ["cuda:1", 3, "cpu", 2]
