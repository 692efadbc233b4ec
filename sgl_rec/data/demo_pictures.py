"""Small pictures of the generated shop's items, drawn from their attributes on request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sgl_rec.data.demo import ATTRIBUTES
from sgl_rec.errors import must_be
from sgl_rec.extras import needed

RGB = {
    "black": (30, 30, 34),
    "white": (246, 246, 240),
    "grey": (135, 138, 142),
    "red": (204, 38, 45),
    "orange": (240, 135, 30),
    "yellow": (244, 214, 50),
    "green": (44, 150, 70),
    "blue": (40, 92, 200),
    "purple": (130, 60, 170),
    "brown": (120, 76, 42),
}
GROUND = (214, 222, 226)

# Corners of each outline, "across,down" in hundredths of the side from the left top corner.
OUTLINES = {
    "shirt": "30,15 70,15 95,40 82,52 70,42 70,88 30,88 30,42 18,52 5,40",
    "jumper": "34,12 66,12 76,20 98,78 84,84 72,46 74,90 26,90 28,46 16,84 2,78 24,20",
    "jacket": "30,10 44,10 50,44 56,10 70,10 96,60 84,68 72,40 72,92 52,92 50,50 48,92 28,92 28,40 16,68 4,60",
    "dress": "38,6 62,6 58,40 88,95 12,95 42,40",
    "skirt": "34,20 66,20 92,82 8,82",
    "trousers": "28,5 72,5 80,96 58,96 50,30 42,96 20,96",
    "shorts": "22,25 78,25 90,72 56,74 50,48 44,74 10,72",
    "hat": "30,25 70,25 74,60 97,66 97,76 3,76 3,66 26,60",
    "scarf": "10,12 90,12 90,32 62,32 62,95 38,95 38,32 10,32",
    "bag": "30,8 70,8 72,36 92,36 92,90 8,90 8,36 28,36",
    "shoe": "8,35 34,35 60,58 94,66 94,82 8,82",
    "sock": "32,6 60,6 60,58 88,74 84,92 44,88 32,70",
}

# How a material shows: the strength of its grain, and how much lighter or darker it is.
MATERIALS = {
    "cotton": (4.0, 0.0),
    "linen": (10.0, 8.0),
    "wool": (22.0, 0.0),
    "silk": (0.0, 22.0),
    "denim": (14.0, -16.0),
    "leather": (0.0, -26.0),
}


def item_pictures(items: pd.DataFrame, *, size: int = 32) -> np.ndarray:
    """Draw each item: its kind is the outline, its colour and pattern fill it, its material is the grain.

    Equal rows give equal pictures.

    Args:
        items: rows of the demo's item table (columns ``colour``, ``pattern``, ``material``, ``kind``).
        size: pixels of a side, at least 8.

    Returns: uint8, shape (rows, size, size, 3), red, green, blue.

    Raises: MissingDependencyError without Pillow; UserError for a column or value that is none of the demo's.
    """
    drawing = needed("item_pictures", "PIL.Image"), needed("item_pictures", "PIL.ImageDraw")
    if size < 8:
        raise must_be("item_pictures", "size", "at least 8", size)
    for name, known in ATTRIBUTES.items():
        if name not in items:
            raise must_be("item_pictures", "columns", ", ".join(ATTRIBUTES), f"no {name!r}")
        if not items[name].isin(known).all():
            value = items[name][~items[name].isin(known)].iloc[0]
            raise must_be("item_pictures", name, f"one of {', '.join(known)}", repr(value))
    pictures = np.empty((len(items), size, size, 3), np.uint8)
    rows = items[["colour", "pattern", "material", "kind"]].itertuples(index=False)
    for place, (colour, pattern, material, kind) in enumerate(rows):
        pictures[place] = _picture(drawing, colour, pattern, material, kind, size)
    return pictures


def _picture(
    drawing: tuple[Any, Any], colour: str, pattern: str, material: str, kind: str, size: int
) -> np.ndarray:
    image_module, draw_module = drawing
    mask = image_module.new("L", (size, size))
    corners = (corner.split(",") for corner in OUTLINES[kind].split())
    outline = [(int(x) * (size - 1) / 100, int(y) * (size - 1) / 100) for x, y in corners]
    draw_module.Draw(mask).polygon(outline, fill=255)
    inside = np.asarray(mask)[:, :, None] > 0
    fill = np.array(RGB[colour], np.float64)
    second = fill * 0.45 + 140 * (fill.mean() < 130)  # a tone of its own, lighter on dark cloth
    cloth = np.where(_pattern(pattern, size)[:, :, None], second, fill)
    grain, shift = MATERIALS[material]
    # A fixed weave, not noise: equal items must look equal.
    row, column = np.indices((size, size))
    weave = np.where((row + 2 * column) % 3 == 0, -grain, grain / 2)
    cloth = cloth + weave[:, :, None] + shift
    picture: np.ndarray = np.clip(np.where(inside, cloth, GROUND), 0, 255).astype(np.uint8)
    return picture


def _pattern(name: str, size: int) -> np.ndarray:
    """Where the second tone shows, shape (size, size)."""
    step = max(size // 8, 2)
    row, column = np.indices((size, size))
    shown: dict[str, np.ndarray] = {
        "plain": np.zeros((size, size), bool),
        "striped": row // step % 2 == 1,
        "dotted": (row % (2 * step) < step) & (column % (2 * step) < step),
        "checked": (row // step + column // step) % 2 == 1,
        "zigzag": (row + np.abs(column % (4 * step) - 2 * step)) // step % 2 == 1,
    }
    return shown[name]
