"""Negatives by listing what a user has not touched."""

from __future__ import annotations

from tests.reference.hash import uniform_bits


def sample_negatives(users: list[int], touched: list[set[int]], *, key: int, num_items: int) -> list[int]:
    negatives = []
    for row, user in enumerate(users):
        free = [item for item in range(num_items) if item not in touched[user]]
        negatives.append(free[uniform_bits(key, row) * len(free) // 2**32])
    return negatives
