"""A table of parts by name: the built-in ones of a room, extended by an entry-point group.

Each room lists its parts explicitly, as ``"module:attribute"``, so that nothing is imported until it is asked
for; somebody else's package adds to the table through the entry-point group of the room, and a module that is not
packaged through :func:`add_parts`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sgl_rec.errors import UserError, nearest

_ADDED: dict[str, dict[str, str]] = {}


def add_parts(group: str, parts: Mapping[str, str]) -> None:
    """Add to the tables of an entry-point group, in this process.

    Args:
        parts: name -> ``"module:attribute"``.

    Example:
        >>> add_parts("example.tools", {"sqrt": "math:sqrt"})
        >>> Registry("tool", {}, "example.tools")["sqrt"](4.0)
        2.0
    """
    _ADDED.setdefault(group, {}).update(parts)


class Registry:
    """Parts of one kind, by name.

    Args:
        kind: what a part is called in messages ("view", "encoder", "loss").
        built_in: name -> ``"module:attribute"``.
        group: entry-point group whose entries are added; a name that is taken is an error.

    Example:
        >>> table = Registry("tool", {"sqrt": "math:sqrt"})
        >>> table["sqrt"](9.0)
        3.0
    """

    def __init__(self, kind: str, built_in: Mapping[str, str], group: str | None = None) -> None:
        self.kind = kind
        self.group = group
        self._built_in = dict(built_in)

    @property
    def _points(self) -> dict[str, EntryPoint]:
        table = dict(self._installed)
        for name, target in _ADDED.get(self.group or "", {}).items():
            if name in table:
                raise UserError(
                    f"{self.group}: {self.kind} {name!r} of {target} is already taken by {table[name].value}; "
                    "rename it in the plug-in"
                )
            table[name] = EntryPoint(name, target, self.group or "")
        return table

    @cached_property
    def _installed(self) -> dict[str, EntryPoint]:
        table = {name: EntryPoint(name, target, self.group or "") for name, target in self._built_in.items()}
        for point in entry_points(group=self.group) if self.group else ():
            if point.name in table:
                raise UserError(
                    f"{self.group}: {self.kind} {point.name!r} of {point.value} is already taken by "
                    f"{table[point.name].value}; rename it or uninstall its package"
                )
            table[point.name] = point
        return table

    def names(self) -> list[str]:
        """All names, the built-in ones first."""
        return list(self._points)

    def __contains__(self, name: object) -> bool:
        return name in self._points

    def __getitem__(self, name: str) -> Any:
        """The part of that name. Raises: UserError if there is none, naming the nearest."""
        if name not in self._points:
            raise UserError(
                f"{self.kind}: name must be a known {self.kind}, got {name!r}; {nearest(name, self.names())}"
            )
        point = self._points[name]
        try:
            return getattr(importlib.import_module(point.module), point.attr)
        except UserError:
            raise  # a missing extra says itself what to install
        except Exception as error:  # somebody else's module can fail in any way
            raise UserError(
                f"{self.kind} {name!r}: {point.value} must be importable, got {type(error).__name__}: {error}; "
                "mend or uninstall its package"
            ) from error
