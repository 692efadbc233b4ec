"""What is particular to the compiled thinning: how rows are parted. Its draws are tested in test_thin.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.kernels import thin_cpu
from sgl_rec.kernels.thin_torch import thin_edges


@pytest.mark.parametrize("edges_per_part", [1, 3, 50])
def test_no_part_writes_into_the_next(edges_per_part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin_cpu, "_EDGES_PER_PART", edges_per_part)
    monkeypatch.setattr(thin_cpu, "_PARTS_PER_THREAD", 1000)
    dense = torch.from_numpy(np.random.default_rng(0).random((60, 60)) < 0.1)
    dense = dense | dense.T
    row_start = torch.cat([torch.zeros(1), dense.sum(1).cumsum(0)]).int()
    column = dense.nonzero()[:, 1].int()
    for key in range(10):
        for rate in (0.05, 0.6, 0.97):
            got = thin_cpu.thin_edges(row_start, column, key=key, drop_rate=rate)
            expected = thin_edges(row_start, column, key=key, drop_rate=rate)
            assert all(torch.equal(one, other) for one, other in zip(got, expected, strict=True))


def test_parts_hold_about_equally_many_edges_and_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin_cpu, "_EDGES_PER_PART", 100)
    degree = np.random.default_rng(0).integers(0, 30, 1000)
    starts = np.concatenate([[0], np.cumsum(degree)]).astype(np.int32)
    rows = thin_cpu._Parts(starts).rows
    assert rows[0] == 0
    assert rows[-1] == 1000
    held = np.diff(starts[rows])
    assert len(held) > 1
    assert held.max() - held.min() < 70
