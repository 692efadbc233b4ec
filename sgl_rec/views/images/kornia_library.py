"""How kornia is asked for: where it is used, and by name of the extra where it is absent."""

from __future__ import annotations

import importlib
from typing import Any

from sgl_rec.errors import MissingDependencyError


def library(where: str, module: str) -> Any:
    """A module of kornia. Raises: MissingDependencyError naming the command that installs it."""
    try:
        return importlib.import_module(f"kornia.{module}")
    except ImportError as error:
        raise MissingDependencyError(
            f"{where}: image views need the library kornia; run: pip install 'sgl-rec[vision]'"
        ) from error
