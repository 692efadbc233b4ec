"""What the probes share: what they are given is checked."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sgl_rec.errors import must_be
from sgl_rec.kernels.contrast import unit_rows


def check_rows(where: str, what: str, rows: Float[Tensor, "..."]) -> None:
    """Raises: UserError without rows, and for numbers that are not finite."""
    if len(rows) == 0:
        raise must_be(where, what, "at least one row", "none")
    if not bool(torch.isfinite(rows).all()):
        advice = "the encoder has diverged: lower its learning rate"
        raise must_be(where, what, "finite", "nan or infinity", advice)


def check_labelled(
    where: str, what: str, rows: Float[Tensor, "B D"], label: Int[Tensor, " L"], *, num_classes: int = 1
) -> None:
    """Raises: UserError also for labels of another number, or of fewer than ``num_classes`` classes."""
    check_rows(where, what, rows)
    if len(label) != len(rows):
        raise must_be(where, f"labels of {what}", f"{len(rows)}, one a row", len(label))
    found = len(torch.unique(label))
    if found < num_classes:
        raise must_be(where, f"classes of {what}", f"at least {num_classes}", found)


def unit(rows: Float[Tensor, "B D"]) -> Float[Tensor, "B D"]:
    """Each row at length 1, in float32 at least; a zero row stays zero."""
    rows = rows.detach()
    return unit_rows(rows if rows.dtype == torch.float64 else rows.float())


def as_array(column: Tensor) -> np.ndarray:
    """On the CPU; rows in float64."""
    column = column.detach().cpu()
    array: np.ndarray = (column.double() if column.is_floating_point() else column).numpy()
    return array
