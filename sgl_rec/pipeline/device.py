"""Which device and how many threads a run uses, and the environment it records for a bit-exact resume."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import re
from pathlib import Path
from typing import cast, get_args

import numpy as np
import torch

import sgl_rec
from sgl_rec.errors import must_be, nearest
from sgl_rec.kernels.backend import has_fast_bfloat16
from sgl_rec.types import Precision

MOST_THREADS = 256
"""More than that OpenMP may not survive."""

_GIVEN_THREADS = torch.get_num_threads()
"""What PyTorch began with: a core each, or the user's OMP_NUM_THREADS."""


def choose_device(name: str) -> torch.device:
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:<n>``. Raises: UserError otherwise."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", name, flags=re.ASCII)
    if match is None:
        raise must_be("--device", "device", "auto, cpu, cuda or cuda:<n>", repr(name))
    # Asked before torch.device sees it, whose index is one byte: there cuda:256 is cuda:0.
    if name != "cpu" and int(match[1] or 0) >= torch.cuda.device_count():
        raise must_be("--device", "device", "there", f"{name!r} with {torch.cuda.device_count()} CUDA devices")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> Precision:
    """What ``auto`` stands for: bfloat16 where the device multiplies it in hardware, else float32.

    There most steps are faster and need less memory traffic, and accuracy is the same to less than the
    difference between seeds (benchmarks/results/precision-ml-1m). Raises: UserError for an unknown name.
    """
    if name in get_args(Precision):
        return cast(Precision, name)
    if name != "auto":
        rule = f"one of auto, {', '.join(get_args(Precision))}"
        raise must_be("training", "precision", rule, repr(name), nearest(name, get_args(Precision)))
    return "bfloat16" if has_fast_bfloat16(device) else "float32"


def available_cores() -> int:
    """Cores this process may use: its affinity, and no more than its control group's quota (a container's)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(cores, _quota())))


def _quota(root: Path = Path("/sys/fs/cgroup")) -> float:
    """CPU time a second that the control group grants; infinity where nothing says so.

    Version 2 states it as "quota period" in one file, version 1 in two.
    """
    try:
        if (root / "cpu.max").is_file():
            quota, period = (root / "cpu.max").read_text().split()
        else:
            quota, period = ((root / f"cpu/cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return float(quota) / float(period) if float(quota) > 0 else math.inf
    except (OSError, ValueError):  # no such file, or "max": no limit
        return math.inf


def set_threads(threads: int | None) -> int:
    """Use ``threads`` threads; return the number.

    By default one for each core the process has, or fewer where the user's environment says so
    (``OMP_NUM_THREADS``).
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        rule = "at least 1" if threads < 1 else f"at most {MOST_THREADS}"
        raise must_be("--threads", "threads", rule, threads, "one for each core is fastest")
    torch.set_num_threads(threads or min(_GIVEN_THREADS, available_cores()))
    return torch.get_num_threads()


def environment(device: torch.device) -> dict[str, str]:
    """What the bits of a run depend on."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "sgl_rec": sgl_rec.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        **{name: _version(name) for name in ("numba", "llvmlite", "triton", "torch-scatter", "torch-geometric")},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "device": str(device),
        "gpu": gpu,
        "threads": str(torch.get_num_threads()),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:  # noqa: PTH123 - no file of ours
            return next(line.split(":", 1)[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
