"""Compile every Triton kernel for an H100 without one, as its backend launches it; print what each one takes.

A launch is replaced by Triton's ahead-of-time compiler, down to the binary: the settings are the real ones. Run
in a process of its own, without TRITON_INTERPRET. One JSON line for each compiled kernel.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

TYPES = {
    torch.float32: "*fp32",
    torch.bfloat16: "*bf16",
    torch.int64: "*i64",
    torch.int32: "*i32",
    torch.int8: "*i8",
}


def signature(kernel: Any, values: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any], dict[Any, Any]]:
    """Types, constants and alignments of a launch, by the rules of Triton's own launcher."""
    types, constants, aligned = {}, {}, {}
    for place, parameter in enumerate(kernel.params):
        value = values[parameter.name]
        if parameter.is_constexpr or value is None:
            types[parameter.name], constants[parameter.name] = "constexpr", value
        elif isinstance(value, Tensor):
            types[parameter.name] = TYPES[value.dtype]
            aligned[(place,)] = [["tt.divisibility", 16]]
        elif isinstance(value, float):
            types[parameter.name] = "fp32"
        elif value == 1 and not parameter.do_not_specialize:
            types[parameter.name], constants[parameter.name] = "constexpr", 1
        else:
            types[parameter.name] = "i32" if -(2**31) <= value < 2**31 else "i64"
    return types, constants, aligned


def compile_instead(kernel: Any, *values: Any, grid: Any, warmup: bool, **named: Any) -> None:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    assert all(0 < size < 2**31 for size in grid)
    assert all(size < 2**16 for size in grid[1:]), "the bound of CUDA's second dimension"
    names = [parameter.name for parameter in kernel.params]
    given = dict(zip(names, values, strict=False)) | {name: named[name] for name in names if name in named}
    types, constants, aligned = signature(kernel, given)
    options = {name: value for name, value in named.items() if name not in names}
    source = ASTSource(kernel, types, constants, aligned)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    report = {
        "kernel": kernel.__name__,
        "types": [kind for kind in types.values() if kind != "constexpr"],
        "constants": {name: str(value) for name, value in constants.items() if value is not None},
        "shared": compiled.metadata.shared,
        "wide_loads": len(re.findall(r"ld\.global\S*\.v4\.b32", compiled.asm["ptx"])),
        "tensor_cores": len(re.findall(r"wgmma\.mma_async|mma\.sync", compiled.asm["ptx"])),
        "floats_added_atomically": len(re.findall(r"(?:atom|red)\.\S*add\S*\.f", compiled.asm["ptx"])),
        **registers(compiled.asm["cubin"]),
    }
    sys.stdout.write(json.dumps(report) + "\n")


def registers(binary: bytes) -> dict[str, int]:
    """Registers of a thread, and the bytes of its stack (what did not fit)."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        text = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", text)
    assert found, text
    return {"registers": int(found[1]), "stack": int(found[2])}


def thinning() -> None:
    from sgl_rec.kernels import thin_cuda

    row_start, column = torch.arange(0, 40, 4).int(), torch.zeros(36).int()
    thin_cuda.thin_edges(row_start, column, key=3, drop_rate=0.1)
    thin_cuda.thin_edges(row_start, column, key=3, drop_rate=0.9)  # a bound beyond int32
    thin_cuda.thin_nodes(row_start, column, key=3, drop_rate=0.1)


def sampling() -> None:
    from sgl_rec.kernels import sample_cuda
    from sgl_rec.kernels.sample import DrawWeights
    from sgl_rec.types import PairIndex

    touched = PairIndex(torch.arange(0, 50, 5), torch.zeros(45).long(), 100)
    for weights in (None, DrawWeights(torch.arange(101), torch.arange(45))):
        sample_cuda.sample(torch.arange(9), 3, touched, 3, weights)


def propagating(widths: tuple[int, ...]) -> None:
    from sgl_rec.kernels import propagate_cuda
    from sgl_rec.types import Adjacency, Noise

    # The second row is long enough for parts.
    row_start = torch.tensor([0, 2, 502, 502]).int()
    adjacency = Adjacency(row_start, torch.zeros(502).int(), *[torch.ones(3)] * 2)
    for width in widths:
        x = torch.ones(3, width)
        for precision in ("float32", "bfloat16"):
            options = {"weights": (0.5, 0.25, 0.25), "precision": precision}
            propagate_cuda.horner([adjacency] * 2, x, added=[None, x, x], **options)
            propagate_cuda.layers([adjacency] * 2, x, noise=Noise(0.1, 5), taps=(1,), **options)


def contrasting(widths: tuple[int, ...]) -> None:
    from sgl_rec.kernels import contrast_cuda
    from sgl_rec.kernels.contrast_sweep import Problem

    ids = torch.zeros(2048).long(), torch.zeros(3000).long(), torch.zeros(2048).long()
    shift, bias = torch.ones(2048), torch.ones(3000)
    for width in widths:
        anchor, candidate = torch.ones(2048, width), torch.ones(3000, width)
        for precision in ("float32", "bfloat16"):
            for given in ((None, shift, None, None, None), (bias, None, *ids)):
                problem = Problem(anchor, candidate, *given, precision, 2**26, skip_target=bias is given[0])
                contrast_cuda.sweep(problem, shift, (True, True, True))
        unit, inverse = contrast_cuda.unit(anchor)
        contrast_cuda.unit_backward(anchor, unit, inverse)


def main(parts: list[str]) -> None:
    import triton.runtime.jit

    triton.runtime.jit.JITFunction.run = compile_instead
    torch.use_deterministic_algorithms(True)  # what no kernel has written is filled with one value
    known: dict[str, Callable[[], None]] = {
        "thin": thinning,
        "sample": sampling,
        "propagate": lambda: propagating((64,)),
        "propagate-widths": lambda: propagating((1, 7, 48, 256)),
        "contrast": lambda: contrasting((64,)),
        "contrast-widths": lambda: contrasting((3, 66, 128, 256)),
    }
    for part in parts or known:
        known[part]()


if __name__ == "__main__":
    main(sys.argv[1:])
