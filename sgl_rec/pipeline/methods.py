"""methods: what ``--method`` knows, read from the shipped configs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sgl_rec.config import method_names
from sgl_rec.pipeline.pretrain.modality import MODALITIES
from sgl_rec.pretrain_config import pretrain_methods
from sgl_rec.settings import read_toml


@dataclass(frozen=True)
class Method:
    """A shipped method."""

    name: str
    summary: str
    file: Path


def describe_pretraining() -> list[Method]:
    """What ``pretrain --method`` knows, by modality; ``name`` is ``<modality> <method>``."""
    return [
        Method(f"{modality} {name}", str(read_toml(path).get("summary", "")), path)
        for modality in MODALITIES.names()
        for name, path in pretrain_methods(modality).items()
    ]


def describe_methods(dataset: str | None = None) -> list[Method]:
    """Every shipped method; the file made for ``dataset`` goes before the default one."""
    return [
        Method(name, str(read_toml(path).get("summary", "")), path)
        for name, path in method_names(dataset).items()
    ]
