"""A checkpoint is one safetensors file: tensors, and the plain numbers as JSON in its header. No pickle."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sgl_rec.errors import UserError, one_line
from sgl_rec.files import atomic_path

FORMAT = 2


@dataclass
class Checkpoint:
    """Everything a bit-exact resume needs, as named tensors and plain values."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, prefix: str, tensors: Mapping[str, Tensor]) -> None:
        """Add a group of tensors under ``prefix``."""
        self.tensors |= {f"{prefix}.{name}": value for name, value in tensors.items()}

    def group(self, prefix: str) -> dict[str, Tensor]:
        """The tensors that were put under ``prefix``."""
        start = f"{prefix}."
        return {name.removeprefix(start): value for name, value in self.tensors.items() if name.startswith(start)}

    def save(self, path: Path) -> None:
        """Write atomically: a crash leaves the last checkpoint or this one."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.tensors.items()}
        values = json.dumps(self.values)
        header = {"format": str(FORMAT), "values": values, "crc32": _crc32(tensors, values)}
        with atomic_path(path) as temporary:
            try:
                # One key: several have no fixed order, and the same run shall give the same file.
                save_file(tensors, temporary, metadata={"sgl_rec": json.dumps(header)})
            except SafetensorError as error:  # its word for a full disk
                raise OSError(None, str(error)) from error

    @classmethod
    def load(cls, path: Path, *, advice: str = "restore it or train again") -> Checkpoint:
        """Read one. Raises: UserError naming a file that is damaged or of another version."""
        try:
            with safe_open(path, framework="pt") as stream:
                header = json.loads((stream.metadata() or {})["sgl_rec"])
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - no mapping
            if header.get("format") != str(FORMAT):
                raise UserError(
                    f"{path}: checkpoint format must be {FORMAT}, got {header.get('format')}; "
                    "resume with the version that wrote it or train again"
                )
            if header["crc32"] != _crc32(tensors, header["values"]):
                raise UserError(f"{path}: must be a whole checkpoint, got one with a wrong checksum; {advice}")
            return cls(tensors, json.loads(header["values"]))
        except UserError:
            raise
        except (OSError, SafetensorError, KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"none of {error}" if isinstance(error, KeyError) else one_line(error)
            raise UserError(f"{path}: must be a whole checkpoint, got {what}; {advice}") from error


def _crc32(tensors: Mapping[str, Tensor], values: str) -> str:
    """Of every byte that counts: safetensors itself checks sizes alone, so a flipped bit would go unseen."""
    crc = zlib.crc32(values.encode())
    for name, tensor in sorted(tensors.items()):
        crc = zlib.crc32(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), crc)
        crc = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, crc)
    return f"{crc:08x}"


def load_module(module: nn.Module, tensors: Mapping[str, Tensor], *, where: Path) -> None:
    """Restore a module. Raises: UserError when names or shapes are not its own."""
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise UserError(
            f"{where}: must hold the parameters of {type(module).__name__}, got others; train again"
        ) from error
