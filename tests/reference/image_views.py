"""The views of one image as loops over its pixels; an image is (channels, height, width) in float64."""

from __future__ import annotations

import colorsys
import math

import numpy as np


def between(channel: np.ndarray, y: float, x: float, padding: str) -> float:
    """A value between pixels, linear in both directions."""
    height, width = channel.shape
    if padding == "border":
        y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    total = 0.0
    for row in (math.floor(y), math.floor(y) + 1):
        for column in (math.floor(x), math.floor(x) + 1):
            if 0 <= row < height and 0 <= column < width:
                total += channel[row, column] * (1 - abs(y - row)) * (1 - abs(x - column))
    return total


def crop(image: np.ndarray, box: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
    left, top, width, height = box
    result = np.empty((len(image), *shape))
    for index, channel in enumerate(image):
        for i in range(shape[0]):
            for j in range(shape[1]):
                y = top + (i + 0.5) * height / shape[0] - 0.5
                x = left + (j + 0.5) * width / shape[1] - 0.5
                result[index, i, j] = between(channel, y, x, "border")
    return result


def rotate(image: np.ndarray, degrees: float) -> np.ndarray:
    """Anticlockwise, zeros from outside."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    _, height, width = image.shape
    middle = ((height - 1) / 2, (width - 1) / 2)
    result = np.empty_like(image)
    for index, channel in enumerate(image):
        for i in range(height):
            for j in range(width):
                # Where the pixel was: turned back, with y that grows downwards.
                down, across = i - middle[0], j - middle[1]
                y, x = down * cos + across * sin, across * cos - down * sin
                result[index, i, j] = between(channel, middle[0] + y, middle[1] + x, "zeros")
    return result


def warp(image: np.ndarray, matrix: np.ndarray, shift: tuple[float, float]) -> np.ndarray:
    """The pixel at p from the middle goes to matrix p + shift, (right, down); zeros from outside."""
    _, height, width = image.shape
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    back = np.linalg.inv(matrix)
    result = np.empty_like(image)
    for index, channel in enumerate(image):
        for i in range(height):
            for j in range(width):
                x, y = back @ (np.array([j, i]) - middle - shift) + middle
                result[index, i, j] = between(channel, y, x, "zeros")
    return result


def luma(image: np.ndarray) -> np.ndarray:
    return image[0] if len(image) == 1 else 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2]


def brighten(image: np.ndarray, factor: float) -> np.ndarray:
    return (image * factor).clip(0, 1)


def stretch(image: np.ndarray, factor: float) -> np.ndarray:
    return (image * factor + luma(image).mean() * (1 - factor)).clip(0, 1)


def saturate(image: np.ndarray, factor: float) -> np.ndarray:
    return (image * factor + luma(image) * (1 - factor)).clip(0, 1)


def turn_hue(image: np.ndarray, shift: float) -> np.ndarray:
    result = np.empty_like(image)
    for i in range(image.shape[1]):
        for j in range(image.shape[2]):
            hue, saturation, value = colorsys.rgb_to_hsv(*image[:, i, j])
            result[:, i, j] = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
    return result


def mirrored(index: int, length: int) -> int:
    """The pixel that an index beyond the edge shows: the outermost one stands once."""
    index = abs(index)
    return index if index < length else 2 * (length - 1) - index


def blur(image: np.ndarray, sigma: float, reach: tuple[int, int]) -> np.ndarray:
    """``reach`` is how many neighbours count, down and across."""
    weight = [[math.exp(-(d**2) / (2 * sigma**2)) for d in range(-end, end + 1)] for end in reach]
    down, across = (np.array(one) / sum(one) for one in weight)
    _, height, width = image.shape
    result = np.zeros_like(image)
    for i in range(height):
        for j in range(width):
            for a, row in enumerate(range(i - reach[0], i + reach[0] + 1)):
                for b, column in enumerate(range(j - reach[1], j + reach[1] + 1)):
                    value = image[:, mirrored(row, height), mirrored(column, width)]
                    result[:, i, j] += down[a] * across[b] * value
    return result


def sobel(image: np.ndarray) -> np.ndarray:
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    _, height, width = image.shape
    result = np.empty_like(image)
    for index, channel in enumerate(image):
        for i in range(height):
            for j in range(width):
                rows = [min(max(i + d, 0), height - 1) for d in (-1, 0, 1)]
                columns = [min(max(j + d, 0), width - 1) for d in (-1, 0, 1)]
                near = channel[np.ix_(rows, columns)]
                result[index, i, j] = math.hypot((kernel * near).sum(), (kernel.T * near).sum())
    return result
