"""Which implementation of a kernel runs."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.kernels import backend
from sgl_rec.kernels.backend import choose, using

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
ALL = ("cpu", "cuda", "torch")


def test_auto_takes_the_device_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_has_triton", lambda: True)
    assert choose("auto", CPU, having=ALL) == "cpu"
    assert choose("auto", CUDA, having=ALL) == "cuda"
    assert choose("auto", CPU, having=("torch",)) == "torch"
    assert choose("auto", CUDA, having=("cpu", "torch")) == "torch"


def test_auto_does_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_has_triton", lambda: False)
    assert choose("auto", CUDA, having=ALL) == "torch"
    with pytest.raises(UserError, match="pip install triton"):
        choose("cuda", CUDA, having=ALL)


def test_a_named_backend_is_taken_as_it_is() -> None:
    assert choose("torch", CPU, having=ALL) == "torch"
    assert choose("torch", CUDA, having=ALL) == "torch"


def test_a_scope_says_what_auto_stands_for() -> None:
    with using("torch"):
        assert choose("auto", CPU, having=ALL) == "torch"
        assert choose("cpu", CPU, having=ALL) == "cpu", "a name at the call comes first"
        with using("scatter"):
            assert choose("auto", CPU, having=ALL) == "cpu", "a kernel without it takes its own"
            assert choose("auto", CPU, having=(*ALL, "scatter")) == "scatter"
        assert choose("auto", CPU, having=ALL) == "torch"
    assert choose("auto", CPU, having=ALL) == "cpu"


def test_an_unknown_backend_is_refused_and_the_known_are_named() -> None:
    rule = r"backend must be one of auto, cpu, cuda, torch.*, got 'toch'; did you mean 'torch'"
    with pytest.raises(UserError, match=rule):
        choose("toch", CPU)
    with pytest.raises(UserError, match=rule), using("toch"):
        pass


def test_a_backend_that_a_kernel_or_the_device_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(UserError, match="one of cpu, cuda, torch for this kernel"):
        choose("scatter", CPU, having=ALL)
    with pytest.raises(UserError, match="one for cuda, got 'cpu'"):
        choose("cpu", CUDA, having=ALL)
    with pytest.raises(UserError, match="one for cpu, got 'cuda'"):
        choose("cuda", CPU, having=ALL)
