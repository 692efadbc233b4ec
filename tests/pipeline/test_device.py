"""Device, threads, and the environment a resume compares."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline import device as module
from sgl_rec.pipeline.device import (
    _quota,
    available_cores,
    choose_device,
    choose_precision,
    environment,
    set_threads,
)


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_auto_is_the_best_there_is() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    "name", ["tpu", "", "cuda:", "cuda:x", "meta", "cuda:256", "cuda:999", "cuda:-1", "cpu:", "Auto"]
)
def test_another_device_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="--device: device must be"):
        choose_device(name)


def test_cuda_without_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UserError, match="'cuda' with 0 CUDA devices"):
        choose_device("cuda")


def test_threads(threads: int) -> None:
    assert set_threads(1) == torch.get_num_threads() == 1
    assert set_threads(None) == 1, "no more than the environment says"
    assert available_cores() >= 1
    with pytest.raises(UserError, match="--threads: threads must be at least 1, got 0"):
        set_threads(0)
    with pytest.raises(UserError, match="threads must be at most 256, got 9999"):
        set_threads(9999)


def test_environment_tells_what_bits_depend_on(threads: int) -> None:
    set_threads(1)
    found = environment(torch.device("cpu"))
    assert found["torch"] == torch.__version__
    assert (found["device"], found["threads"]) == ("cpu", "1")
    assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, math.inf),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, math.inf),
        ({"cpu.max": "garbage"}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_quota_of_a_container(files: dict[str, str], quota: float, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert _quota(tmp_path) == quota


@pytest.mark.parametrize(("quota", "cores"), [(0.2, 1), (1.0, 1), (math.inf, None)])
def test_no_more_threads_than_the_quota(quota: float, cores: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = available_cores()
    monkeypatch.setattr(module, "_quota", lambda: quota)
    assert available_cores() == (cores or before)


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert [choose_precision(name, cpu) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]
    for fast, name in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(module, "has_fast_bfloat16", lambda device, fast=fast: fast)
        assert choose_precision("auto", cpu) == choose_precision("auto", cuda) == name
    with pytest.raises(UserError, match="precision must be one of auto, float32, bfloat16, got 'bf16'"):
        choose_precision("bf16", cpu)
