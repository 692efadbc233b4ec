"""Which implementation of a kernel runs."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.kernels import backend
from sgl_rec.kernels.backend import choose, has_fast_bfloat16, using

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


@pytest.mark.parametrize("unit", [None, "avx512_bf16", "amx_tile"])
def test_fast_bfloat16_is_what_the_device_says(unit: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", lambda name=name: name == unit, raising=False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: unit is not None)
    assert [has_fast_bfloat16(torch.device(name)) for name in ("cpu", "cuda")] == [unit is not None] * 2


def test_a_pytorch_that_cannot_tell_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("avx512_bf16", "amx_tile"):
        monkeypatch.delattr(torch.cpu, f"_is_{name}_supported", raising=False)
    assert not has_fast_bfloat16(torch.device("cpu"))
