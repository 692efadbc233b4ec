"""Which implementation of a kernel runs: chosen once, from the device or by name."""

from __future__ import annotations

import torch

from sgl_rec.errors import must_be, nearest

KNOWN = ("torch",)
"""The backends there are; ``torch`` is plain PyTorch, runs on any device, and is the oracle of the others."""


def choose(backend: str, device: torch.device) -> str:
    """The backend to run on ``device``; ``"auto"`` takes the fastest one that is there.

    Raises: UserError for a backend that is not known.

    Example:
        >>> choose("auto", torch.device("cpu"))
        'torch'
    """
    if backend == "auto":
        return "torch"
    if backend not in KNOWN:
        known = ", ".join(("auto", *KNOWN))
        raise must_be("kernels", "backend", f"one of {known}", repr(backend), nearest(backend, KNOWN))
    return backend
