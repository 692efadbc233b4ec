"""What losses ask of their inputs, and make of them before they compute."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from sgl_rec.errors import must_be


def check_matrix(where: str, name: str, rows: Tensor) -> None:
    """Raises: UserError unless ``rows`` is a float matrix with rows and columns."""
    if rows.ndim != 2 or 0 in rows.shape or not rows.is_floating_point():
        got = f"{rows.dtype} of shape {tuple(rows.shape)}"
        raise must_be(where, name, "a float matrix with rows and columns", got)


def check_pair(where: str, first: tuple[str, Tensor], second: tuple[str, Tensor]) -> None:
    """Raises: UserError unless both, each given with its name, are float matrices of one shape."""
    for name, rows in (first, second):
        check_matrix(where, name, rows)
    if first[1].shape != second[1].shape:
        raise must_be(
            where, second[0], f"of the shape of {first[0]}, {tuple(first[1].shape)}", tuple(second[1].shape)
        )


def check_width(where: str, name: str, rows: Tensor, width: int) -> None:
    """Raises: UserError unless ``rows`` is a float matrix of that width."""
    check_matrix(where, name, rows)
    if rows.shape[1] != width:
        raise must_be(where, name, f"of width {width}", rows.shape[1])


def check_length(where: str, name: str, column: Tensor, length: int) -> None:
    """Raises: UserError unless ``column`` has that many numbers and no further dimension."""
    if column.shape != (length,):
        raise must_be(where, name, f"of shape ({length},)", tuple(column.shape))


def check_positive(where: str, name: str, value: float | Tensor, *, advice: str = "") -> None:
    """Raises: UserError unless every number is finite and > 0; on a GPU a tensor is not looked at."""
    if isinstance(value, Tensor):
        if value.device.type != "cpu":
            return
        low, high = (float(bound) for bound in value.detach().aminmax())
    else:
        low = high = value
    if not (low > 0 and math.isfinite(high)):
        raise must_be(where, name, "finite and > 0", low, advice)


def whole(rows: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The same numbers in float32 at least: sums in bfloat16 would keep three digits.

    Example:
        >>> whole(torch.ones(2, dtype=torch.bfloat16)).dtype, whole(torch.ones(2, dtype=torch.float64)).dtype
        (torch.float32, torch.float64)
    """
    return rows.to(torch.promote_types(rows.dtype, torch.float32))


def groups(label: Int64[Tensor, " B"]) -> Int64[Tensor, " B"]:
    """Each row's group, numbered from 0 in the order of the labels; no shape depends on how many there are.

    Example:
        >>> groups(torch.tensor([7, -1, 7, 3]))
        tensor([2, 0, 2, 1])
    """
    ordered, order = label.sort()
    begins = torch.cat([torch.zeros_like(ordered[:1]), (ordered.diff() != 0).long()])
    return begins.cumsum(0).index_select(0, order.argsort())


def mean_weight(num_rows: int, like: Tensor) -> Float[Tensor, " B"]:
    """1 / ``num_rows`` for every row: with it as ``weight``, a loss returns the mean."""
    return torch.full((num_rows,), 1 / num_rows, dtype=torch.float64, device=like.device)
