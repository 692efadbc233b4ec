"""sgl_rec: an interactions file goes in, a measured recommender and its top-K lists come out.

The names below are imported on first use, so that ``import sgl_rec`` stays light.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sgl_rec.pipeline.bench.bench import bench
    from sgl_rec.pipeline.pretrain.embed import embed
    from sgl_rec.pipeline.pretrain.pretrain import pretrain
    from sgl_rec.pipeline.pretrain.probe import probe
    from sgl_rec.pipeline.run import Run, load_run
    from sgl_rec.pipeline.train import train
    from sgl_rec.pipeline.tune.record import Tuned
    from sgl_rec.pipeline.tune.tune import tune

try:
    __version__ = version("sgl-rec")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0+unknown"

__all__ = ["Run", "Tuned", "__version__", "bench", "embed", "load_run", "pretrain", "probe", "train", "tune"]

_HOMES = {
    "train": "sgl_rec.pipeline.train",
    "bench": "sgl_rec.pipeline.bench.bench",
    "tune": "sgl_rec.pipeline.tune.tune",
    "Tuned": "sgl_rec.pipeline.tune.record",
    "pretrain": "sgl_rec.pipeline.pretrain.pretrain",
    "embed": "sgl_rec.pipeline.pretrain.embed",
    "probe": "sgl_rec.pipeline.pretrain.probe",
    "load_run": "sgl_rec.pipeline.run",
    "Run": "sgl_rec.pipeline.run",
}


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sgl_rec' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
