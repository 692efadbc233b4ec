"""Values before they are checked: TOML files, ``section.key=value``, and one over another."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sgl_rec.errors import UserError, must_be
from sgl_rec.ranges import is_span

DEEPEST = 20
"""Tables and lists within each other that a config may have."""


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as nested dictionaries. Raises: UserError naming the file and the fault."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: config file must exist, got none; check the path") from error
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no text, no TOML, a number too long
        raise UserError(f"{path}: must be a readable TOML file, got {error}; correct the file") from error
    _check_depth(values, where=str(path))
    return values


def _check_depth(values: Any, *, where: str) -> None:
    level = [values]
    for _ in range(DEEPEST):
        tables = [value.values() for value in level if isinstance(value, dict)]
        lists = [value for value in level if isinstance(value, list)]
        level = [value for inside in (*tables, *lists) for value in inside]
        if not level:
            return
    raise UserError(f"{where}: tables must be at most {DEEPEST} within each other, got more; correct this key")


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of everything that is no table.

    Example:
        >>> dict(flat({"loss": {"ranking": {"weight": 1.0}}, "trials": 0}))
        {'loss.ranking.weight': 1.0, 'trials': 0}
    """
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with the values of ``over`` on top, table by table.

    A table that names another part is replaced, and so is a range.

    Raises: UserError where a table is to go over a value that is none.

    Example:
        >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
        {'a': {'x': 1, 'y': 3}}
        >>> merge({"views": {"name": "edge_drop", "drop_rate": 0.1}}, {"views": {"name": "walk_subgraph"}})
        {'views': {'name': 'walk_subgraph'}}
    """
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        if is_span(value):
            result[key] = value
        elif isinstance(below, list) and isinstance(value, Mapping):
            advice = f"set the whole of it, as {key}=[{{name = ...}}]"
            raise must_be("config", repr(key), "a list, as it is there", repr(dict(value)), advice)
        elif key in result and isinstance(value, Mapping) and not isinstance(below, Mapping):
            both = f"{below!r} and {dict(value)!r}"
            raise must_be("config", repr(key), "a table everywhere or nowhere", both, "correct this key")
        elif isinstance(below, Mapping) and isinstance(value, Mapping):
            same_part = "name" not in value or value["name"] == below.get("name")
            result[key] = merge(below, value) if same_part else dict(value)
        else:
            result[key] = value
    return result


def parse_setting(text: str) -> dict[str, Any]:
    """``section.key=value`` as a nested dictionary; the value is TOML, a bare word is text.

    Example:
        >>> parse_setting("training.learning_rate=5e-3")
        {'training': {'learning_rate': 0.005}}
        >>> parse_setting("views.name=node_drop")
        {'views': {'name': 'node_drop'}}
    """
    key, equals, value = text.partition("=")
    steps = key.strip().split(".")
    if not equals or not all(steps):
        raise UserError(f"--set: setting must be section.key=value, got {text!r}; write it so")
    try:
        parsed: Any = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value.strip()
    for step in reversed(steps):
        parsed = {step: parsed}
    _check_depth(parsed, where="--set")
    return typing.cast(dict[str, Any], parsed)
