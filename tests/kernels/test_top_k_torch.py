"""What only the plain backend has to show; the lists themselves are tested with those of the others."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.kernels.top_k_torch import select


def test_nan_is_reported_and_not_ranked() -> None:
    assert select(torch.tensor([[1.0, float("nan")]]), k=1) is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_floating_dtype_keeps_its_own(dtype: torch.dtype) -> None:
    lists = select(torch.tensor([[1.0, 3.0, 3.0]], dtype=dtype), k=2)
    assert lists is not None
    assert lists[0].tolist() == [[1, 2]]
    assert lists[1].dtype == dtype
