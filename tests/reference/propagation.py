"""Propagation over a dense matrix, written out entry by entry."""

from __future__ import annotations

import numpy as np


def dense_adjacency(
    pairs: list[tuple[int, int]], num_users: int, num_items: int, exponents: tuple[float, float]
) -> np.ndarray:
    """deg(r)^-row * deg(c)^-column at both places of each (user, item) pair, else 0."""
    size = num_users + num_items
    degree = [0] * size
    for user, item in pairs:
        degree[user] += 1
        degree[num_users + item] += 1
    matrix = np.zeros((size, size))
    for user, item in pairs:
        for row, column in ((user, num_users + item), (num_users + item, user)):
            matrix[row, column] = degree[row] ** -exponents[0] * degree[column] ** -exponents[1]
    return matrix


def propagation(
    matrices: list[np.ndarray], x: np.ndarray, weights: list[float], noise: list[np.ndarray] | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The weighted sum, and every layer from 0 on."""
    layers = [x]
    for index, matrix in enumerate(matrices):
        layer = np.zeros_like(x)
        for row in range(len(matrix)):
            for column in range(len(matrix)):
                layer[row] += matrix[row, column] * layers[-1][column]
        layers.append(layer if noise is None else layer + noise[index])
    total = np.zeros_like(x)
    for weight, layer in zip(weights, layers, strict=True):
        total += weight * layer
    return total, layers
