"""L2 against loops."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.losses import l2
from tests.reference import ranking as reference


def test_equals_loops() -> None:
    parts = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = reference.l2(*(part.tolist() for part in parts))
    torch.testing.assert_close(l2(*parts), torch.tensor(expected, dtype=torch.float64))


def test_gradient_is_the_rows_themselves() -> None:
    rows = torch.tensor([[1.0, -2.0], [0.0, 3.0]], requires_grad=True)
    l2(rows).sum().backward()
    assert rows.grad is not None
    assert torch.equal(rows.grad, rows.detach())


def test_no_rows_is_the_callers_fault() -> None:
    with pytest.raises(UserError, match="rows must be one matrix or more"):
        l2()
