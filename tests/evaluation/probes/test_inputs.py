from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.inputs import as_array, check_labelled, check_rows, unit


def test_rows() -> None:
    check_rows("here", "rows", torch.ones(1, 2))
    with pytest.raises(UserError, match="here: rows must be at least one row, got none"):
        check_rows("here", "rows", torch.ones(0, 2))
    with pytest.raises(
        UserError, match="here: rows must be finite, got nan or infinity; the encoder has diverged"
    ):
        check_rows("here", "rows", torch.tensor([[1.0, torch.inf]]))


def test_labels() -> None:
    with pytest.raises(UserError, match="here: labels of rows must be 3, one a row, got 2"):
        check_labelled("here", "rows", torch.ones(3, 2), torch.tensor([0, 1]))
    with pytest.raises(UserError, match="here: classes of rows must be at least 2, got 1"):
        check_labelled("here", "rows", torch.ones(2, 2), torch.tensor([4, 4]), num_classes=2)


def test_arrays_and_unit_rows() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    assert as_array(rows).dtype == np.float64
    assert as_array(torch.tensor([1])).dtype == np.int64
    assert unit(rows).dtype == torch.float32
    torch.testing.assert_close(unit(rows), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
    assert unit(rows.double()).dtype == torch.float64
