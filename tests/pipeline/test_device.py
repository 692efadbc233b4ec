"""Device, threads, and the environment a resume compares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.device import available_cores, choose_device, environment, set_threads


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


def test_environment_tells_what_bits_depend_on(threads: int) -> None:
    set_threads(1)
    found = environment(torch.device("cpu"))
    assert found["torch"] == torch.__version__
    assert (found["device"], found["threads"]) == ("cpu", "1")
    assert all(isinstance(value, str) for value in found.values())
