"""The sweep of ``kernels.contrast`` for CPUs: oneDNN's products, and base-2 exponentials in tiles of the cache.

A block of R anchors meets the candidates tile by tile: the logits of a tile are exponentiated and summed while
they are in cache, and stored; once the row sums are known, both gradient products of every tile follow. Where a
block of R x C within the byte budget is so flat that its products would be slow, the sweep is made twice, the
second time with the sums known, so that nothing but a tile is held.

Products: oneDNN's through its linear layer. It is 2 to 3 times as fast in float32 as the BLAS behind ``torch.mm``
on processors that BLAS was not made for, and as fast elsewhere. Exponentials: ``exp2``, 3 times as fast as
``exp`` there; logits are in base 2 throughout this file, the anchors having been multiplied by log2(e).

With ``bfloat16`` the logits are still whole float32 (a rounded one would cost more accuracy than it saves time);
the gradient products read rounded exponentials and rows, and what each tile gives is summed in float32.

oneDNN compiles a product for every shape it meets, in half a millisecond and up to a megabyte that is not given
back, and the number of a batch's distinct nodes changes from step to step: rows are filled up to few numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import replace
from threading import local

import torch
from torch import Tensor

from sgl_rec.kernels import contrast_torch
from sgl_rec.kernels.contrast_sweep import Gradients, Needed, Problem

TILE = 4096  # candidates
ROWS = 256  # anchors of a block, at least: with fewer, products have too little to do for each number they read
LOG2_E = 1 / math.log(2)
STEP = 64  # anchors, and few candidates, are filled up to a multiple of this
FEW = 4 * TILE  # candidates: a batch's, whose number changes; a larger table is not copied
CHUNK = 4096  # rows that are normalised while they are in cache
SAFE = (1e-15, 1e15)  # lengths whose squares neither vanish nor overflow

_held = local()  # a thread's buffer: fresh memory costs more than the products that fill it


def unit(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The rows at length 1, and 1/length."""
    if not rows.numel():
        return contrast_torch.unit(rows)
    length = torch.linalg.vector_norm(rows, dim=1)
    low, high = length.aminmax()
    if not SAFE[0] < low <= high < SAFE[1]:  # zero rows, too
        return contrast_torch.unit(rows)
    inverse = length.reciprocal_()
    return rows * inverse[:, None], inverse


def unit_backward(grad: Tensor, unit: Tensor, inverse: Tensor) -> Tensor:
    """The gradient of the rows, from that of the unit rows."""
    result = torch.empty_like(unit)
    for rows in _spans(len(unit), CHUNK):
        part = result[rows]
        along = torch.mul(unit[rows], grad[rows], out=part).sum(1, keepdim=True)
        torch.addcmul(grad[rows], unit[rows], along, value=-1, out=part).mul_(inverse[rows, None])
    return result


def log_sums(problem: Problem) -> Tensor:
    """L, one sweep without gradients."""
    if problem.anchor.dtype != torch.float32:
        return contrast_torch.log_sums(problem)
    filled = _filled(problem)
    tiles = _Tiles(filled)
    result = torch.empty(len(filled.anchor))
    for rows in _spans(len(result), ROWS):
        parts = [tiles.exponentials(rows, columns)[1:] for columns in tiles.columns]
        top, total, _ = _together(parts)
        result[rows] = tiles.log_sums(top, total)
    return result[: len(problem.anchor)]


def sweep(problem: Problem, weight: Tensor, needed: Needed) -> tuple[Tensor, Gradients]:
    """L, and the gradients of sum_i weight_i L_i."""
    if problem.anchor.dtype != torch.float32:
        return contrast_torch.sweep(problem, weight, needed)
    filled, weight = _filled(problem), _more(weight, -len(weight) % STEP)
    size = problem.tile_bytes // (len(filled.candidate) * _stored(problem).itemsize)
    if not any(needed) or size < min(ROWS, len(weight)):
        result = log_sums(problem)
        return result, gradients(problem, result, weight[: len(result)], needed)
    tiles, sums = _Tiles(filled), _Sums(filled, needed)
    transposed = [sums.transposed(columns) for columns in tiles.columns]
    result = torch.empty_like(weight)
    for rows in _spans(len(weight), size // STEP * STEP):
        blocks = _blocks(rows.stop - rows.start, tiles.columns, _stored(problem))
        parts = [tiles.filled(block, rows, columns) for block, columns in zip(blocks, tiles.columns, strict=True)]
        top, total, corrections = _together(parts)
        result[rows] = tiles.log_sums(top, total)
        factor = weight[rows] / total.masked_fill(total == 0, torch.inf)
        for columns, right, block, correction in zip(tiles.columns, transposed, blocks, corrections, strict=True):
            tiles.skip_targets_(block, rows, columns)
            sums.add_(block, rows, columns, right, factor if correction is None else factor * correction)
    return result[: len(problem.anchor)], sums.gradients(problem)


def gradients(problem: Problem, log_sums: Tensor, factor: Tensor, needed: Needed) -> Gradients:
    """Those of sum_i factor_i L_i: every tile again, as a softmax."""
    if problem.anchor.dtype != torch.float32:
        return contrast_torch.gradients(problem, log_sums, factor, needed)
    filled = _filled(problem)
    sums = _Sums(filled, needed)
    if any(needed):
        tiles, more = _Tiles(filled), len(filled.anchor) - len(factor)
        top, factor = tiles.top(_more(log_sums, more, math.inf)), _more(factor, more)
        for columns in tiles.columns:  # outermost: a tile's share of the candidates' gradient stays in cache
            right = sums.transposed(columns)
            for rows in _spans(len(factor), ROWS):
                block, _, _ = tiles.exponentials(rows, columns, top=top[rows])
                tiles.skip_targets_(block, rows, columns)
                sums.add_(block.to(_stored(problem)), rows, columns, right, factor[rows])
    return sums.gradients(problem)


def target_logit(problem: Problem) -> Tensor:
    """Out of whole rows, as all logits are."""
    return contrast_torch.logit_of_target(problem, problem.anchor, problem.candidate)


def _filled(problem: Problem) -> Problem:
    """With anchors of zeros, and few candidates with ones of bias -inf, up to multiples of STEP.

    ``shift`` stays as it is: here it only tells that no logit needs one.
    """
    count, candidates = -len(problem.anchor) % STEP, len(problem.candidate)
    more = -candidates % STEP if candidates <= FEW else 0
    anchor_id, candidate_id, target, bias = (
        problem.anchor_id,
        problem.candidate_id,
        problem.target,
        problem.bias,
    )
    if more:
        bias = problem.anchor.new_zeros(candidates) if bias is None else bias
        bias = _more(bias, more, -math.inf)
    return replace(
        problem,
        anchor=_more(problem.anchor, count),
        candidate=_more(problem.candidate, more),
        bias=bias,
        anchor_id=None if anchor_id is None else _more(anchor_id, count),
        candidate_id=None if candidate_id is None else _more(candidate_id, more),
        target=None if target is None else _more(target, count),
    )


def _more(rows: Tensor, count: int, value: float = 0.0) -> Tensor:
    """With so many rows of one value behind them."""
    return rows if not count else torch.cat([rows, rows.new_full((count, *rows.shape[1:]), value)])


class _Tiles:
    """The exponentials of a problem, tile by tile."""

    def __init__(self, problem: Problem) -> None:
        # Where the shift is fixed, no logit is so large that it needs one, once the largest bias is taken off.
        self._free = problem.shift is not None
        self._level = 0.0
        self._bias = problem.bias
        if problem.bias is not None:
            self._level = float(problem.bias.max())
            self._bias = (problem.bias - self._level) * LOG2_E
        self._anchor = problem.anchor * LOG2_E
        self._candidate = problem.candidate
        self._left_out = None
        if problem.anchor_id is not None and problem.candidate_id is not None:
            self._left_out = contrast_torch.LeftOut(problem.anchor_id, problem.candidate_id, problem.target)
        self._target = problem.target if problem.skip_target else None
        self.columns = list(_spans(len(problem.candidate), TILE))

    def exponentials(
        self, rows: slice, columns: slice, *, top: Tensor | None = None, out: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None, Tensor]:
        """(2^(logit - top), the top (R,) or None for 0, row sums): ``out`` is filled where it is given.

        ``top`` is the largest logit of each row of the tile, where none is given and one is needed.
        """
        bias = None if self._bias is None else self._bias[columns]
        block = _product(self._anchor[rows], self._candidate[columns], bias)
        if self._left_out is not None:
            self._left_out.fill_(block, rows, columns)
        if top is None and not self._free:  # the clamp: -inf - -inf, all candidates left out, would be NaN
            top = block.amax(1).clamp_min_(torch.finfo(block.dtype).min)
        if top is not None:
            block.sub_(top[:, None])
        if out is not None and out.dtype == block.dtype:
            torch.exp2(block, out=out)
            return out, top, out.sum(1)
        sums = block.exp2_().sum(1)
        return block if out is None else out.copy_(block), top, sums

    def filled(self, block: Tensor, rows: slice, columns: slice) -> tuple[Tensor | None, Tensor]:
        """Write the exponentials of many rows, few at a time; return (tops, row sums)."""
        tops: list[Tensor] = []
        sums = []
        for part in _spans(len(block), ROWS):
            span = slice(rows.start + part.start, rows.start + part.stop)
            _, top, total = self.exponentials(span, columns, out=block[part])
            sums.append(total)
            if top is not None:
                tops.append(top)
        return torch.cat(tops) if tops else None, torch.cat(sums)

    def skip_targets_(self, block: Tensor, rows: slice, columns: slice) -> None:
        """Write 0 over the anchors' own targets."""
        if self._target is not None:
            place = self._target[rows] - columns.start
            row = torch.nonzero((place >= 0) & (place < block.shape[1]))[:, 0]
            if len(row):
                block.view(-1).index_fill_(0, row * block.shape[1] + place[row], 0.0)

    def log_sums(self, top: Tensor | None, total: Tensor) -> Tensor:
        """L in nats."""
        log2 = total.log2()
        return (log2 if top is None else log2 + top) / LOG2_E + self._level

    def top(self, log_sums: Tensor) -> Tensor:
        """The inverse of it: what a row's logits have to fall by to be a softmax. An empty row stays 0."""
        return ((log_sums - self._level) * LOG2_E).clamp_min_(torch.finfo(log_sums.dtype).min)


class _Sums:
    """The gradients, summed tile by tile."""

    def __init__(self, problem: Problem, needed: Needed) -> None:
        anchor, candidate, bias = problem.anchor, problem.candidate, problem.bias
        self._anchor, self._candidate = anchor, candidate
        self._stored = _stored(problem)
        self._anchor_grad = torch.zeros_like(anchor) if needed[0] else None
        self._candidate_grad = torch.zeros_like(candidate) if needed[1] else None
        self._bias_grad = torch.zeros_like(bias) if bias is not None and needed[2] else None

    def transposed(self, columns: slice) -> Tensor | None:
        """The candidates of a tile as the anchors' product reads them.

        Each tile apart: products of rows that do not lie close together take a path many times slower.
        """
        return None if self._anchor_grad is None else self._candidate[columns].to(self._stored).T.contiguous()

    def add_(self, block: Tensor, rows: slice, columns: slice, right: Tensor | None, factor: Tensor) -> None:
        """Add those of sum_i factor_i log-sum_i, where ``block`` is row i's softmax up to that factor."""
        if self._anchor_grad is not None and right is not None:
            part = _product(block, right)
            self._anchor_grad[rows].addcmul_(part, factor[:, None])
        if self._candidate_grad is not None:
            scaled = (self._anchor[rows] * factor[:, None]).to(block.dtype).T.contiguous()
            self._candidate_grad[columns] += _product(scaled, block.T).T
        if self._bias_grad is not None:
            self._bias_grad[columns] += factor.to(block.dtype) @ block

    def gradients(self, problem: Problem) -> Gradients:
        """Of the rows that ``problem`` has."""
        sizes = len(problem.anchor), len(problem.candidate), len(problem.candidate)
        found = self._anchor_grad, self._candidate_grad, self._bias_grad
        return Gradients(*(None if one is None else one[:size] for one, size in zip(found, sizes, strict=True)))


def _together(
    parts: list[tuple[Tensor | None, Tensor]],
) -> tuple[Tensor | None, Tensor, list[Tensor | None]]:
    """(top, total, each tile's correction) of a block's rows out of its tiles' own tops and sums."""
    sums = torch.stack([part[1] for part in parts])
    tops = [part[0] for part in parts if part[0] is not None]
    if not tops:
        return None, sums.sum(0), [None] * len(parts)
    top = torch.stack(tops).amax(0)
    corrections = [torch.exp2(one - top) for one in tops]
    return top, (sums * torch.stack(corrections)).sum(0), list(corrections)


def _product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """``left @ right.T + bias``, new memory."""
    if not _has_onednn(left.dtype):
        return torch.nn.functional.linear(left, right, bias)
    result: Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
    return result


@functools.cache
def _has_onednn(dtype: torch.dtype) -> bool:
    """Whether this build and this processor have oneDNN's product."""
    one = torch.ones(1, 1, dtype=dtype)
    try:
        torch.ops.mkldnn._linear_pointwise(one, one, None, "none", [], "")
    except (AttributeError, RuntimeError):
        return False
    return True


def _stored(problem: Problem) -> torch.dtype:
    """What the exponentials are kept in."""
    return torch.float32 if problem.precision == "float32" else torch.bfloat16


def _spans(length: int, size: int) -> Iterator[slice]:
    """0 .. length in as few parts as possible, none longer than ``size``, of one length: a multiple of STEP."""
    if length <= size:
        return iter([slice(0, length)] if length else [])
    even = -(-length // -(-length // size))
    part = min(-(-even // STEP) * STEP, size)
    return (slice(begin, min(begin + part, length)) for begin in range(0, length, part))


def _blocks(num_rows: int, columns: list[slice], dtype: torch.dtype) -> list[Tensor]:
    """One for each tile, out of this thread's buffer, which grows as it must; one caller at a time."""
    needed = num_rows * columns[-1].stop * dtype.itemsize
    held = getattr(_held, "buffer", None)
    if held is None or len(held) < needed:
        _held.buffer = held = torch.empty(needed, dtype=torch.uint8)
    numbers = held[:needed].view(dtype)
    return [numbers[num_rows * span.start : num_rows * span.stop].view(num_rows, -1) for span in columns]
