"""Which implementation of a kernel runs: chosen once, from the device or by name.

``torch`` is plain PyTorch: the readable definition, any device, and the oracle of the others. ``cpu`` is
compiled by Numba, ``cuda`` by Triton, ``scatter`` is the message passing of torch-scatter or torch-geometric,
for who wants to compare. A kernel lives in ``<kernel>.py`` (the public function, the checks, the autograd) and
its implementations in ``<kernel>_<backend>.py``, each imported when it is first chosen.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import torch

from sgl_rec.errors import UserError, must_be, nearest

KNOWN = ("cpu", "cuda", "torch", "scatter")

_in_use: ContextVar[str] = ContextVar("backend", default="auto")


@contextlib.contextmanager
def using(backend: str) -> Iterator[None]:
    """What ``"auto"`` stands for inside the block; a kernel that has no such implementation stays with its own.

    Raises: UserError for a backend that is not known.

    Example:
        >>> with using("torch"):
        ...     choose("auto", torch.device("cpu"), having=("cpu", "torch"))
        'torch'
    """
    check(backend)
    token = _in_use.set(backend)
    try:
        yield
    finally:
        _in_use.reset(token)


def check(backend: str) -> None:
    """Raises: UserError for a backend that is not known."""
    if backend != "auto" and backend not in KNOWN:
        known = ", ".join(("auto", *KNOWN))
        raise must_be("kernels", "backend", f"one of {known}", repr(backend), nearest(backend, KNOWN))


def choose(backend: str, device: torch.device, *, having: Sequence[str] = ("torch",)) -> str:
    """The backend to run on ``device``, out of those a kernel has; ``"auto"`` takes the fastest one.

    Args:
        having: the names of the kernel's implementations.

    Raises: UserError for a backend that is not known, that the kernel does not have, or that does not run on
        ``device``.

    Example:
        >>> choose("auto", torch.device("cpu"), having=("cpu", "cuda", "torch"))
        'cpu'
    """
    check(backend)
    if backend == "auto":
        backend = _in_use.get()
        if backend == "auto" or backend not in having:
            native = device.type if device.type in having else "torch"
            return native if native != "cuda" or _has_triton() else "torch"
    if backend not in having:
        raise must_be("kernels", "backend", f"one of {', '.join(having)} for this kernel", repr(backend))
    if backend in ("cpu", "cuda") and backend != device.type and not (backend == "cuda" and interpreted()):
        advice = "leave --backend out, or choose another --device"
        raise must_be("kernels", "backend", f"one for {device.type}", repr(backend), advice)
    if backend == "cuda" and not _has_triton():
        raise UserError("kernels: backend 'cuda' must find Triton, got none; run: pip install triton")
    return backend


def interpreted() -> bool:
    """Whether Triton's kernels run in its interpreter, on the CPU (``TRITON_INTERPRET=1``, for tests)."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@functools.cache
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware, faster than float32.

    Example:
        >>> has_fast_bfloat16(torch.device("cpu")) in (True, False)
        True
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # A PyTorch that cannot tell has none of these functions.
    asked = (getattr(torch.cpu, f"_is_{unit}_supported", None) for unit in ("avx512_bf16", "amx_tile"))
    return any(ask is not None and ask() for ask in asked)
