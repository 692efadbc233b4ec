"""A data set in three parts: drawn by a rule, or as it was published. One file a rule; here they have names."""

from __future__ import annotations

import logging
import re

from sgl_rec.data.split_cold import NAME as COLD_ITEMS
from sgl_rec.data.split_cold import cold_split
from sgl_rec.data.split_fixed import fixed_names, fixed_split
from sgl_rec.data.split_last import last_split
from sgl_rec.data.split_random import random_split
from sgl_rec.data.split_time import NAME as GLOBAL_TIME
from sgl_rec.data.split_time import time_split
from sgl_rec.errors import UserError, must_be, nearest
from sgl_rec.types import Dataset, Split

log = logging.getLogger("sgl_rec")

SHARE = 0.1
"""Of validation and of test where nothing else is said."""

RULES = ("random", "leave-last-1", GLOBAL_TIME, COLD_ITEMS)
"""The rules a split is drawn by, as they are named to users; leave-last takes any number."""


def make_split(
    dataset: Dataset, *, name: str, seed: int = 0, valid_share: float = SHARE, test_share: float = SHARE
) -> Split:
    """The split of that name: drawn by a rule, or a fixed one.

    Rules are ``random``, ``leave-last-<n>``, ``global-time`` and ``cold-items``.

    Args:
        seed: of what is drawn: all of ``random`` and ``cold-items``, ties in time of ``leave-last-<n>``, the
            validation part of a fixed split that has none.
        valid_share, test_share: in (0, 1), together below 1: of each user's interactions for ``random`` (with
            warm items for ``cold-items``), of all for ``global-time``.

    Raises: UserError for an unknown name, listing those that are there, and for data the rule cannot split.

    Example:
        >>> from sgl_rec.data.load import load_dataset
        >>> split = make_split(load_dataset("demo"), name="leave-last-1")
        >>> len(split.valid), len(split.test)
        (2000, 2000)
    """
    if not (valid_share > 0 and test_share > 0 and valid_share + test_share < 1):
        rule = "above 0, and together below 1"
        raise must_be(dataset.name, "valid_share and test_share", rule, f"{valid_share} and {test_share}")
    if name == "random":
        return random_split(dataset, seed=seed, valid_share=valid_share, test_share=test_share)
    if name == COLD_ITEMS:
        return cold_split(dataset, seed=seed, valid_share=valid_share, test_share=test_share)
    if name == GLOBAL_TIME:
        return time_split(dataset, valid_share=valid_share, test_share=test_share)
    if (last := number_left(name)) is not None:
        if (valid_share, test_share) != (SHARE, SHARE):
            log.warning("%s: valid_share and test_share do nothing for split %r", dataset.name, name)
        return last_split(dataset, last=last, seed=seed)
    there = [*RULES, *fixed_names(dataset)]
    if name not in fixed_names(dataset):
        hint = nearest(name, there)
        hint = f"; {hint}" if hint.startswith("did") else ""
        raise must_be(dataset.name, "split", f"one that is there ({', '.join(there)})", f"{name!r}{hint}")
    if test_share != SHARE:
        log.warning("%s: test_share does nothing for the fixed split %r", dataset.name, name)
    return fixed_split(dataset, name=name, seed=seed, valid_share=valid_share)


def is_rule(name: str) -> bool:
    """Whether a split of that name is drawn.

    Example:
        >>> is_rule("leave-last-3"), is_rule("leave-last-0"), is_rule("standard")
        (True, False, False)
    """
    return name in RULES or number_left(name) is not None


def number_left(name: str) -> int | None:
    """n of ``leave-last-<n>``, None for any other name."""
    match = re.fullmatch(r"leave-last-([1-9][0-9]{0,8})", name)
    return int(match[1]) if match else None


def check_name(name: str) -> None:
    """Whether a split may be stored under that name. Raises: UserError where not."""
    if is_rule(name) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(
            f"--name: the name of a stored split must be letters, digits, '.', '_' or '-' and none of a rule, "
            f"got {name!r}; choose another, for example my-split"
        )
