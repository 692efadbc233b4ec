"""Negatives by listing what a user has not touched."""

from __future__ import annotations

from tests.reference.hash import uniform_bits


def sample_negatives(
    users: list[int], touched: list[set[int]], *, key: int, weight: list[int], num_negatives: int = 1
) -> list[list[int]]:
    """Item ``i`` stands in the list of the untouched ``weight[i]`` times; one place of it is drawn."""
    negatives = []
    for row, user in enumerate(users):
        free = [item for item, times in enumerate(weight) for _ in range(times) if item not in touched[user]]
        places = [uniform_bits(key, row, which) * len(free) // 2**32 for which in range(num_negatives)]
        negatives.append([free[place] for place in places])
    return negatives
