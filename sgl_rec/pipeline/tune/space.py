"""What of a method is searched: declared and given ranges, held against the parts it is made of."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sgl_rec.config import Config, parse
from sgl_rec.errors import UserError, nearest
from sgl_rec.pipeline.build import resolve
from sgl_rec.pipeline.prepare import Prepared
from sgl_rec.ranges import Range, Span
from sgl_rec.settings import flat, merge

log = logging.getLogger("sgl_rec")

SEARCHED = ("graph", "encoder", "views", "loss", "score", "late_sum", "baseline", "training")
"""Tables of a config whose keys a search may change; the data and the measure stay."""
NOT_SEARCHED = {
    f"training.{key}" for key in ("seed", "metric", "refit", "warm_start", "backend", "precision", "cuda_graph")
}
"""What would make another figure of the same setting, and a part's name, which brings other keys."""


def space(
    prepared: Prepared, *, given: Mapping[str, Range] | None = None, fixed: Mapping[str, Any] | None = None
) -> dict[str, Range]:
    """The ranges of a search by dotted key, in the order of the keys.

    Args:
        given: go over those of the method's ``[tune]``.
        fixed: settings the caller has chosen: what the method would search of them stays as it is.

    Raises: UserError for a key that the method does not have, a value that its part refuses, and no range.
    """
    declared = parse(prepared.values, where="tune").tune
    for key in sorted(declared.keys() & dict(flat(fixed or {})).keys() - (given or {}).keys()):
        log.info("%s is set, and not searched", key)
        del declared[key]
    ranges = {**declared, **(given or {})}
    if not ranges:
        raise UserError(
            f"tune: method {prepared.config.method!r} must have a range to search, got none; declare one under "
            "[tune], or use --range"
        )
    known = own_settings(prepared.config)
    for key, one in sorted(ranges.items()):
        if key not in known:
            hint = nearest(key, known)
            raise UserError(f"tune: {key!r} must be a setting of the method that can be searched; {hint}")
        for value in one.ends if isinstance(one, Span) else one:
            try:
                with_settings(prepared, {key: value})
            except UserError as error:
                raise UserError(f"tune: {key!r} must have what its part takes, got {value!r}; {error}") from error
    return dict(sorted(ranges.items()))


def own_settings(config: Config) -> dict[str, Any]:
    """Every setting of the config that can be searched, by dotted key."""
    values = config.model_dump(mode="json")
    tables = {name: values[name] for name in SEARCHED if isinstance(values[name], Mapping)}
    if config.baseline is not None:
        tables = {"baseline": tables["baseline"]}
    return {key: value for key, value in flat(tables) if key not in NOT_SEARCHED and not key.endswith(".name")}


def with_settings(prepared: Prepared, settings: Mapping[str, Any]) -> Config:
    """The method's config with ``settings`` by dotted key, resolved.

    Raises: UserError naming the key of a value that its part refuses.
    """
    values: dict[str, Any] = {**prepared.values, "tune": {}}
    for key, value in settings.items():
        nested: Any = value
        for step in reversed(key.split(".")):
            nested = {step: nested}
        values = merge(values, nested)
    config = resolve(parse(values, where="tune"))
    precision = prepared.config.training.precision
    return config.model_copy(
        update={"training": config.training.model_copy(update={"precision": precision})},
    )
