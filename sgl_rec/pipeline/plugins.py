"""Parts of a module that is no installed package, named by the user on the command line or in Python."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from sgl_rec.errors import UserError, must_be, one_line
from sgl_rec.registry import add_parts

_LOADED: dict[str, ModuleType] = {}


def load_plugin(name: str) -> None:
    """Import a module and add its parts to the tables of this process.

    The module says what it brings in ``PARTS``: the entry-point group of a table -> {name of the part: name of
    the module's attribute}, as ``PARTS = {"sgl_rec.modalities": {"audio": "AUDIO"}}``.

    Args:
        name: a module that Python finds, or the path of a ``.py`` file.

    Raises: UserError for a module that cannot be imported or has no such table.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "two_tools.py"
        >>> _ = path.write_text("PARTS = {'example.plugin': {'double': 'double'}}\\ndef double(x): return 2 * x")
        >>> load_plugin(str(path))
        >>> from sgl_rec.registry import Registry
        >>> Registry("tool", {}, "example.plugin")["double"](21)
        42
    """
    stem = Path(name).stem if name.endswith(".py") else name
    if stem in _LOADED:
        return
    module = _import(name, stem)
    for group, parts in _parts_of(module, name).items():
        for attribute in parts.values():
            if not isinstance(attribute, str) or not hasattr(module, attribute):
                raise must_be(f"plug-in {name}", f"PARTS[{group!r}]", "names of its attributes", attribute)
        add_parts(group, {part: f"{stem}:{attribute}" for part, attribute in parts.items()})
    _LOADED[stem] = module


def loaded_plugins() -> tuple[str, ...]:
    """The names of the plug-ins of this process."""
    return tuple(_LOADED)


def _import(name: str, stem: str) -> ModuleType:
    try:
        if not name.endswith(".py"):
            return importlib.import_module(name)
        spec = importlib.util.spec_from_file_location(stem, Path(name).absolute())
        if spec is None or spec.loader is None or stem in sys.modules:
            raise must_be(f"plug-in {name}", "the file", "called like no module that is in use", stem)
        module = importlib.util.module_from_spec(spec)
        sys.modules[stem] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[stem]
            raise
        return module
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # somebody else's module can fail in any way
        got = f"{type(error).__name__}: {one_line(error)}"
        raise must_be(f"plug-in {name}", "the module", "importable", got, "check its name, or mend it") from error


def _parts_of(module: ModuleType, name: str) -> Mapping[str, Mapping[str, str]]:
    parts = getattr(module, "PARTS", None)
    rule = "a table {group: {name: attribute}}"
    if not isinstance(parts, Mapping) or not all(isinstance(one, Mapping) for one in parts.values()):
        raise must_be(f"plug-in {name}", "PARTS", rule, "none" if parts is None else repr(parts))
    return parts
