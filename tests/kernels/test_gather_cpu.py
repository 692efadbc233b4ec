"""The sum of rows in registers, at every width and type."""

from __future__ import annotations

import numpy as np
import pytest

from sgl_rec.kernels.gather_cpu import gather_sum
from sgl_rec.kernels.jit import jit


@jit()
def call(out, factor, table, scale, column, first, last):
    gather_sum(out, factor, table, scale, column, first, last)


@pytest.mark.parametrize("width", [0, 1, 7, 8, 15, 16, 17, 31, 32, 48, 64, 65, 127, 200])
@pytest.mark.parametrize("kind", ["float32", "float64", "uint16"])
def test_equals_numpy(width: int, kind: str) -> None:
    generator = np.random.default_rng(width)
    number = np.dtype("float64" if kind == "float64" else "float32")
    table = generator.standard_normal((30, width)).astype(number)
    exact, scale = table, generator.random(30).astype(number)
    if kind == "uint16":
        table = (table.view(np.uint32) >> 16).astype(np.uint16)
        exact, scale = (table.astype(np.uint32) << 16).view(np.float32), None
    column = generator.integers(0, 30, 50).astype(np.int32)
    for first, last in ((0, 50), (3, 4), (20, 49), (50, 50), (0, 0)):
        out = np.full(width + 2, 9.0, number)
        call(out[1:-1], number.type(0.5), table, scale, column, first, last)
        rows = column[first:last]
        weighed = exact[rows] * (1 if scale is None else scale[rows, None])
        expected = 0.5 * weighed.sum(0, dtype=np.float64)
        np.testing.assert_allclose(out[1:-1], expected, rtol=0, atol=1e-5 if number == np.float32 else 1e-13)
        assert out[0] == out[-1] == 9.0


def test_without_entries() -> None:
    out = np.ones(5, np.float32)
    call(out, np.float32(1), np.ones((2, 5), np.float32), np.ones(2, np.float32), np.zeros(0, np.int32), 0, 0)
    assert not out.any()
