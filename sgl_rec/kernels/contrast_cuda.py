"""``kernels.contrast`` on the GPU: tiles of anchors by candidates that never leave the chip.

The value keeps one normaliser for each anchor. Gradients compute the tiles again, once for the anchors and once
for the candidates, each by a kernel whose programs own their rows: no float is added atomically. Where there are
too few rows to fill a GPU, the other side is split among programs, and their sums are added in order afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from sgl_rec.kernels import contrast_torch
from sgl_rec.kernels.backend import interpreted
from sgl_rec.kernels.contrast_sweep import Gradients, Needed, Problem
from sgl_rec.kernels.contrast_tiles_cuda import (
    anchor_gradient,
    block_of_rows,
    candidate_gradient,
    sum_exponentials,
)
from sgl_rec.kernels.triton_jit import FUSED, jit, on_device_of, up_to_power_of_2

WIDEST = 256
"""Blocks of rows with more columns do not fit on the chip: such problems take the plain form."""

_PROGRAMS = 512  # enough to fill a GPU of 132 processors evenly
_FLOAT32 = "tf32x3"  # three tensor-core products for one: float32's own error, several times its speed


@jit(plain=("num",))
def _unit(
    rows: tl.tensor,
    unit: tl.tensor,
    inverse: tl.tensor,
    tiny: tl.tensor,
    num: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    OWN: tl.constexpr,
) -> None:
    row = tl.program_id(0) * OWN + tl.arange(0, OWN)
    lane = tl.arange(0, WIDTH)
    block = block_of_rows(rows, row, num, D, WIDTH, False)
    # first by the largest entry: squares then lie in [1, D], where they neither overflow nor vanish
    largest = tl.max(tl.abs(block), axis=1)
    zero = largest < tiny
    largest = tl.where(zero, 1.0, largest)
    scaled = block / largest[:, None]
    short = 1.0 / tl.sqrt_rn(tl.maximum(tl.sum(scaled * scaled, axis=1), 1.0))
    short = tl.where(zero, 0.0, short)
    mask = (row < num)[:, None] & (lane < D)[None, :]
    tl.store(unit + row.to(tl.int64)[:, None] * D + lane[None, :], scaled * short[:, None], mask=mask)
    tl.store(inverse + row, short / largest, mask=row < num)


@jit(plain=("num",))
def _unit_backward(
    grad: tl.tensor,
    unit: tl.tensor,
    inverse: tl.tensor,
    result: tl.tensor,
    num: tl.tensor,
    D: tl.constexpr,
    WIDTH: tl.constexpr,
    OWN: tl.constexpr,
) -> None:
    row = tl.program_id(0) * OWN + tl.arange(0, OWN)
    lane = tl.arange(0, WIDTH)
    block = block_of_rows(grad, row, num, D, WIDTH, False)
    direction = block_of_rows(unit, row, num, D, WIDTH, False)
    along = tl.sum(block * direction, axis=1)
    scale = tl.load(inverse + row, mask=row < num, other=0.0)
    mask = (row < num)[:, None] & (lane < D)[None, :]
    block = (block - direction * along[:, None]) * scale[:, None]
    tl.store(result + row.to(tl.int64)[:, None] * D + lane[None, :], block, mask=mask)


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A problem as the kernels take it."""

    problem: Problem
    anchor: Tensor
    candidate: Tensor
    pairs: tuple[Tensor | None, Tensor | None, Tensor | None]
    settings: dict[str, Any]

    @classmethod
    def of(cls, problem: Problem) -> _Prepared:
        half = problem.precision == "bfloat16"
        width = problem.anchor.shape[1]
        side = up_to_power_of_2(width, at_least=16)
        settings = {
            "D": width,
            "WIDTH": side,
            "PRECISION": "ieee" if half else _FLOAT32,
            "UPCAST": half and interpreted(),  # there the product of bfloat16 blocks is garbage
            **_tiles(side, half),
            **FUSED,
        }
        dtype = torch.bfloat16 if half else torch.float32
        ids = problem.anchor_id, problem.candidate_id, problem.target
        pairs = tuple(None if one is None else one.contiguous() for one in ids)
        anchor = problem.anchor.detach().to(dtype).contiguous()
        return cls(problem, anchor, problem.candidate.detach().to(dtype).contiguous(), pairs, settings)  # type: ignore[arg-type]

    @property
    def sizes(self) -> tuple[int, int]:
        return len(self.anchor), len(self.candidate)

    def grid(self, own: int, other: int, *, row_bytes: int) -> tuple[tuple[int, int], int]:
        """(programs, splits) and the tiles of a split, for ``own`` rows; their sums stay within the budget."""
        blocks = triton.cdiv(own, self.settings["OWN"])
        tiles = triton.cdiv(other, self.settings["OTHER"])
        most = max(1, self.problem.tile_bytes // (own * row_bytes))
        splits = max(1, min(most, triton.cdiv(_PROGRAMS, blocks), triton.cdiv(tiles, 4)))
        each = triton.cdiv(tiles, splits)
        return (blocks, triton.cdiv(tiles, each)), each


def _tiles(side: int, half: bool) -> dict[str, int]:
    """The sides of a tile, and warps and stages for it: as large as registers and shared memory take."""
    if half:
        own, other, warps, stages = (128, 64, 8, 3) if side <= 128 else (64, 64, 4, 2)
    elif side <= 64:
        own, other, warps, stages = 64, 64, 4, 3
    else:
        own, other, warps, stages = (128, 32, 8, 1) if side == 128 else (64, 32, 8, 1)
    return {"OWN": own, "OTHER": other, "num_warps": warps, "num_stages": stages}


def log_sums(problem: Problem) -> Tensor:
    """See ``kernels.contrast_sweep``. Float64, and rows wider than ``WIDEST``, take the plain form."""
    if not _fits(problem):
        return contrast_torch.log_sums(problem)
    return _log_sums(_Prepared.of(problem))


def sweep(problem: Problem, weight: Tensor, needed: Needed) -> tuple[Tensor, Gradients]:
    """See ``kernels.contrast_sweep``."""
    if not _fits(problem):
        return contrast_torch.sweep(problem, weight, needed)
    prepared = _Prepared.of(problem)
    result = _log_sums(prepared)
    return result, _gradients(prepared, result, weight, needed)


def gradients(problem: Problem, log_sums: Tensor, factor: Tensor, needed: Needed) -> Gradients:
    """See ``kernels.contrast_sweep``."""
    if not _fits(problem):
        return contrast_torch.gradients(problem, log_sums, factor, needed)
    return _gradients(_Prepared.of(problem), log_sums, factor, needed)


target_logit = contrast_torch.target_logit
"""A product of rows with rows, once: it needs no kernel of its own."""


def unit(rows: Tensor) -> tuple[Tensor, Tensor]:
    """See ``kernels.contrast_sweep``."""
    if not _fits_rows(rows):
        return contrast_torch.unit(rows)
    rows = rows.contiguous()
    result, inverse = torch.empty_like(rows), rows.new_empty(len(rows))
    with on_device_of(rows):
        grid, settings = _by_rows(rows)
        _unit[grid](rows, result, inverse, torch.finfo(rows.dtype).tiny, len(rows), **settings)
    return result, inverse


def unit_backward(grad: Tensor, unit: Tensor, inverse: Tensor) -> Tensor:
    """See ``kernels.contrast_sweep``."""
    if not _fits_rows(grad):
        return contrast_torch.unit_backward(grad, unit, inverse)
    grad = grad.contiguous()
    result = torch.empty_like(grad)
    with on_device_of(grad):
        grid, settings = _by_rows(grad)
        _unit_backward[grid](grad, unit, inverse, result, len(grad), **settings)
    return result


def _fits(problem: Problem) -> bool:
    return _fits_rows(problem.anchor) and len(problem.candidate) > 0


def _fits_rows(rows: Tensor) -> bool:
    return rows.dtype == torch.float32 and 0 < rows.shape[1] <= WIDEST and len(rows) > 0


def _by_rows(rows: Tensor) -> tuple[tuple[int], dict[str, Any]]:
    side = up_to_power_of_2(rows.shape[1])
    own = max(1, 2048 // side)
    settings = {"D": rows.shape[1], "WIDTH": side, "OWN": own, "num_warps": 4, **FUSED}
    return (triton.cdiv(len(rows), own),), settings


def _log_sums(prepared: _Prepared) -> Tensor:
    problem, (num_anchors, num_candidates) = prepared.problem, prepared.sizes
    shift = None if problem.shift is None else problem.shift.contiguous()
    grid, tiles = prepared.grid(num_anchors, num_candidates, row_bytes=8)
    total = problem.anchor.new_empty(grid[1], num_anchors)
    top = torch.empty_like(total) if shift is None else None
    with on_device_of(total):
        sum_exponentials[grid](
            prepared.anchor,
            prepared.candidate,
            problem.bias,
            shift,
            *prepared.pairs,
            top,
            total,
            num_anchors,
            num_candidates,
            tiles,
            **prepared.settings,
        )
    if top is None:
        assert shift is not None
        return total.sum(0).log_().add_(shift)
    highest = top.amax(0).clamp_min_(torch.finfo(top.dtype).min)
    return total.mul_(top.sub_(highest).exp_()).sum(0).log_().add_(highest)


def _gradients(prepared: _Prepared, log_sums: Tensor, factor: Tensor, needed: Needed) -> Gradients:
    problem, (num_anchors, num_candidates) = prepared.problem, prepared.sizes
    level = log_sums.clamp_min(torch.finfo(log_sums.dtype).min)  # a row that is empty stays 0
    factor = factor.to(level.dtype).contiguous()
    width = problem.anchor.shape[1]
    of_anchor = of_candidate = of_bias = None
    with on_device_of(level):
        if needed[0]:
            grid, tiles = prepared.grid(num_anchors, num_candidates, row_bytes=4 * width)
            of_anchor = level.new_empty(grid[1], num_anchors, width)
            anchor_gradient[grid](
                prepared.anchor,
                prepared.candidate,
                problem.bias,
                level,
                factor,
                *prepared.pairs,
                of_anchor,
                num_anchors,
                num_candidates,
                tiles,
                SKIP_TARGET=problem.skip_target,
                **prepared.settings,
            )
        if needed[1] or (needed[2] and problem.bias is not None):
            grid, tiles = prepared.grid(num_candidates, num_anchors, row_bytes=4 * width)
            of_candidate = level.new_empty(grid[1], num_candidates, width) if needed[1] else None
            of_bias = level.new_empty(grid[1], num_candidates) if needed[2] and problem.bias is not None else None
            candidate_gradient[grid](
                prepared.anchor,
                prepared.candidate,
                problem.bias,
                level,
                factor,
                *prepared.pairs,
                of_candidate,
                of_bias,
                num_anchors,
                num_candidates,
                tiles,
                SKIP_TARGET=problem.skip_target,
                **prepared.settings,
            )
    return Gradients(*(None if parts is None else _added(parts) for parts in (of_anchor, of_candidate, of_bias)))


def _added(parts: Tensor) -> Tensor:
    """The sums of the splits, added in order."""
    return parts[0] if len(parts) == 1 else parts.sum(0)
