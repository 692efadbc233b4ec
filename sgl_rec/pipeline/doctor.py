"""doctor: what this installation has, and whether what is needed works.

Only the standard library is imported before it is asked for: a broken package is a line of the report.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sgl_rec

NEEDED = (
    "torch", "torch_geometric", "numpy", "pandas", "pyarrow", "click", "rich", "pydantic", "safetensors",
    "tomli_w", "jaxtyping", "filelock", "numba",
)  # fmt: skip
OPTIONAL = ("PIL", "torch_scatter", "triton")
LITTLE_DISK = 1e9
"""Bytes below which a run of a middling data set may not find room for its checkpoint."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    subject: str
    state: str
    fine: bool = True


def examine() -> list[Finding]:
    """Everything the report shows, in its order."""
    return [
        Finding("sgl-rec", sgl_rec.__version__),
        Finding("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        *(_package(name, needed=True) for name in NEEDED),
        *(_package(name, needed=False) for name in OPTIONAL),
        _check("device", _device),
        _check("backends", _backends),
        _check("kernels", _train_a_step),
        _check("methods", _methods),
        *_data(),
        _disk(),
    ]


def _package(name: str, *, needed: bool) -> Finding:
    try:
        importlib.import_module(name)
    except Exception as error:  # a package can fail to import in any way, which is what is asked here
        state = f"broken: {error}" if needed else "not installed (optional)"
        return Finding(name, state, fine=not needed)
    distributions = importlib.metadata.packages_distributions().get(name, [name])
    return Finding(name, importlib.metadata.version(distributions[0]))


def _check(subject: str, work: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, work())
    except Exception as error:  # whatever it is, the report has to say so
        return Finding(subject, f"broken: {type(error).__name__}: {error}", fine=False)


def _device() -> str:
    from sgl_rec.pipeline.device import available_cores, choose_device, set_threads

    return f"{choose_device('auto')}, {set_threads(None)} threads on {available_cores()} cores"


def _backends() -> str:
    """The kernels' own choice for the device, and what else there is."""
    from sgl_rec.kernels.backend import KNOWN, choose
    from sgl_rec.pipeline.device import choose_device, choose_precision

    device = choose_device("auto")
    chosen = choose("auto", device, having=KNOWN)
    return f"{chosen}, {choose_precision('auto', device)} (known: {', '.join(KNOWN)})"


def _train_a_step() -> str:
    """One product with a small graph and its backward: what every method stands on."""
    import numpy as np

    from sgl_rec.encoders.lightgcn import LightGCN
    from sgl_rec.graph.build import build_graph
    from sgl_rec.rng import stream
    from sgl_rec.types import Interactions

    graph = build_graph(Interactions(np.array([0, 1]), np.array([1, 0]), 2, 2))
    embeddings = LightGCN(2, 2, embedding_dim=4, generator=stream(0, "doctor"))(graph)
    (embeddings.user.sum() + embeddings.item.sum()).backward()
    return "work"


def _methods() -> str:
    from sgl_rec.config import method_names

    names = method_names()
    if not names:
        raise FileNotFoundError("no method file came with the program")
    return ", ".join(names)


def _data() -> list[Finding]:
    try:
        from sgl_rec.pipeline.datasets import list_datasets

        return [Finding(f"data {listed.entry.name}", listed.state) for listed in list_datasets()]
    except Exception as error:  # as in _check
        return [Finding("data", f"broken: {type(error).__name__}: {error}", fine=False)]


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    writable = os.access(Path.cwd(), os.W_OK)
    state = f"{free / 1e9:.1f} GB free here" + ("" if writable else ", not writable")
    return Finding("disk", state, fine=writable and free > LITTLE_DISK)
