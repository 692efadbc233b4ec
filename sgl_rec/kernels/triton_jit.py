"""Triton's compiler as every GPU kernel uses it, and what a launch needs beside the kernel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import torch
import triton
from torch import Tensor

FUSED: dict[str, Any] = {"enable_fp_fusion": True}
"""Launch option: a * b + c rounded once. Said so, because Triton's default changes with its version."""


def jit(*, plain: tuple[str, ...] = ()) -> Callable[[Callable[..., Any]], Any]:
    """Compile for the GPU on the first launch with each combination of types and constants.

    Args:
        plain: integer arguments that differ from call to call. Triton else compiles once more for the value 1,
            and for multiples of 16.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        return triton.jit(function, do_not_specialize=list(plain))

    return compiled


def on_device_of(tensor: Tensor) -> contextlib.AbstractContextManager[Any]:
    """A block whose launches go to the tensor's GPU: Triton launches on the current one, wherever the data is."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()


def key_on(device: torch.device, key: int | Tensor) -> Tensor:
    """A 64-bit key where a kernel reads it.

    Keys lie in device memory, not among the arguments, so that a captured CUDA graph draws anew when it is
    replayed after its key was overwritten. A tensor is handed through.

    Example:
        >>> key_on(torch.device("cpu"), 7)
        tensor([7])
    """
    if isinstance(key, Tensor):
        return key
    signed = key - 2**64 if key >= 2**63 else key
    return torch.full((1,), signed, dtype=torch.int64, device=device)


def up_to_power_of_2(number: int, *, at_least: int = 1) -> int:
    """The side of a block that holds ``number`` elements: blocks are powers of two.

    Example:
        >>> [up_to_power_of_2(number, at_least=16) for number in (1, 16, 66)]
        [16, 16, 128]
    """
    return max(at_least, 1 << (number - 1).bit_length())
