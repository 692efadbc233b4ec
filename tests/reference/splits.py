"""Splits as plain loops over rows (user, item, time, draw); imports nothing of the program."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Row = tuple[int, int, int, float]
Parts = dict[str, set[tuple[int, int]]]


def random_per_user(rows: Sequence[Row], valid: Fraction, test: Fraction) -> Parts:
    """The lowest draws of each user are the test, the next ones validation."""
    parts: Parts = {"train": set(), "valid": set(), "test": set()}
    for user in {row[0] for row in rows}:
        own = sorted((row for row in rows if row[0] == user), key=lambda row: row[3])
        num_test = num_valid = 0
        if len(own) >= 3:
            num_test = max(1, int(len(own) * test))
            while num_test > len(own) - 2:
                num_test -= 1
            num_valid = max(1, int(len(own) * valid))
            while num_valid > len(own) - num_test - 1:
                num_valid -= 1
        for place, row in enumerate(own):
            name = "test" if place < num_test else "valid" if place < num_test + num_valid else "train"
            parts[name].add(row[:2])
    return parts


def leave_last(rows: Sequence[Row], last: int) -> Parts:
    """The last rows of each user by (time, draw) are the test, those before them validation."""
    parts: Parts = {"train": set(), "valid": set(), "test": set()}
    for user in {row[0] for row in rows}:
        own = sorted((row for row in rows if row[0] == user), key=lambda row: (row[2], row[3]))
        for place, row in enumerate(own):
            name = "train"
            if len(own) >= 2 * last + 1:
                if place >= len(own) - last:
                    name = "test"
                elif place >= len(own) - 2 * last:
                    name = "valid"
            parts[name].add(row[:2])
    return parts


def global_time(rows: Sequence[Row], valid: float, test: float) -> Parts:
    """The cut nearest to the test's share, then the earlier one nearest to validation's; no moment is cut."""
    moments = sorted({row[2] for row in rows})

    def since(moment: int) -> int:
        return sum(row[2] >= moment for row in rows)

    test_from = valid_from = moments[-1]
    best = float("inf")
    for moment in reversed(moments[2:]):
        if abs(since(moment) - test * len(rows)) < best:
            best, test_from = abs(since(moment) - test * len(rows)), moment
    best = float("inf")
    for moment in reversed([moment for moment in moments[1:] if moment < test_from]):
        gap = abs(since(moment) - (valid * len(rows) + since(test_from)))
        if gap < best:
            best, valid_from = gap, moment
    parts: Parts = {"train": set(), "valid": set(), "test": set()}
    for user, item, time, _ in rows:
        parts["test" if time >= test_from else "valid" if time >= valid_from else "train"].add((user, item))
    return parts
