"""Which device and how many threads a run uses, and the environment it records for a bit-exact resume."""

from __future__ import annotations

import os
import platform
import re

import numpy as np
import torch

import sgl_rec
from sgl_rec.errors import must_be


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


def available_cores() -> int:
    """Cores this process may use (its affinity, where the system tells)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(threads: int | None) -> int:
    """Use ``threads`` threads; return the number.

    By default one for each core the process has, or fewer where the user's environment says so
    (``OMP_NUM_THREADS``).
    """
    if threads is not None and threads < 1:
        raise must_be("--threads", "threads", "at least 1", threads)
    torch.set_num_threads(threads or min(torch.get_num_threads(), available_cores()))
    return torch.get_num_threads()


def environment(device: torch.device) -> dict[str, str]:
    """What the bits of a run depend on."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return {
        "sgl_rec": sgl_rec.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "device": str(device),
        "gpu": gpu,
        "threads": str(torch.get_num_threads()),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:  # noqa: PTH123 - no file of ours
            return next(line.split(":", 1)[1].strip() for line in stream if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
