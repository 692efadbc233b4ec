"""The readable thinning on the smallest graph, by hand; test_thin.py holds it against the loops."""

from __future__ import annotations

import torch

from sgl_rec.kernels.thin_torch import between, thin_edges
from tests.reference.hash import uniform_bits

PATH = torch.tensor([0, 1, 3, 4]).int(), torch.tensor([1, 0, 2, 1]).int()


def test_the_lower_draw_falls_first() -> None:
    low, high = sorted([(uniform_bits(5, 0, 1), 0), (uniform_bits(5, 1, 2), 1)])
    row_start, column = thin_edges(*PATH, key=5, drop_rate=(low[0] + 1) / 2**32)
    assert column.tolist() == ([2, 1] if low[1] == 0 else [1, 0])
    assert row_start.tolist() == ([0, 0, 1, 2] if low[1] == 0 else [0, 1, 2, 2])
    assert len(thin_edges(*PATH, key=5, drop_rate=(high[0] + 1) / 2**32)[1]) == 0


def test_between() -> None:
    row_start, column = between(*PATH, kept=torch.tensor([False, True, True]))
    assert (row_start.tolist(), column.tolist()) == ([0, 0, 1, 2], [2, 1])
