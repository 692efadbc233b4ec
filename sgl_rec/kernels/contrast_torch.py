"""The sweep of ``kernels.contrast`` in plain PyTorch: blocks of anchors against all candidates, in one buffer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sgl_rec.kernels.contrast_sweep import Gradients, Needed, Problem


def unit(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The rows at length 1, and 1/length."""
    # First by the largest entry: squares then lie in [1, D], where they neither overflow nor vanish, and the
    # clamp binds on zero rows only.
    largest = rows.abs().amax(1, keepdim=True)
    zero = largest < torch.finfo(rows.dtype).tiny
    largest = largest.masked_fill(zero, 1.0)
    scaled = rows / largest
    inverse = scaled.square().sum(1, keepdim=True).clamp_min(1.0).rsqrt()
    return (scaled * inverse).masked_fill_(zero, 0.0), (inverse / largest).masked_fill_(zero, 0.0)[:, 0]


def unit_backward(grad: Tensor, unit: Tensor, inverse: Tensor) -> Tensor:
    """The gradient of the rows, from that of the unit rows."""
    return (grad - unit * (unit * grad).sum(1, keepdim=True)) * inverse[:, None]


def log_sums(problem: Problem) -> Tensor:
    """L, one sweep without gradients."""
    result = problem.anchor.new_empty(len(problem.anchor))
    for rows, shift, block in _exponentials(problem, problem.shift):
        result[rows] = block.sum(1).log_().add_(shift)
    return result


def sweep(problem: Problem, weight: Tensor, needed: Needed) -> tuple[Tensor, Gradients]:
    """L, and the gradients of sum_i weight_i L_i."""
    sums = _Sums(problem, needed)
    result = torch.empty_like(weight)
    for rows, shift, block in _exponentials(problem, problem.shift):
        total = block.sum(1)
        result[rows] = total.log() + shift
        sums.add_(block, rows, weight[rows] / total.masked_fill(total == 0, torch.inf))
    return result, sums.gradients()


def gradients(problem: Problem, log_sums: Tensor, factor: Tensor, needed: Needed) -> Gradients:
    """Those of sum_i factor_i L_i: every block again, as a softmax."""
    sums = _Sums(problem, needed)
    shift = log_sums.clamp_min(torch.finfo(log_sums.dtype).min)  # a row that is empty stays 0
    for rows, _, block in _exponentials(problem, shift):
        sums.add_(block, rows, factor[rows])
    return sums.gradients()


def target_logit(problem: Problem) -> Tensor:
    """Out of the rows that the other logits are computed of."""
    return logit_of_target(problem, _rounded(problem.anchor, problem), _rounded(problem.candidate, problem))


def logit_of_target(problem: Problem, anchor: Tensor, candidate: Tensor) -> Tensor:
    """The logits of the targets, out of these rows."""
    assert problem.target is not None
    logit = (anchor * candidate.index_select(0, problem.target)).sum(1)
    return logit if problem.bias is None else logit + problem.bias.index_select(0, problem.target)


class LeftOut:
    """The pairs (i, j) outside the sum: ``anchor_id[i] == candidate_id[j]`` and ``j != target[i]``.

    Candidates are sorted by id once; a block then finds its few pairs without comparing R x C ids.
    """

    def __init__(self, anchor_id: Tensor, candidate_id: Tensor, target: Tensor | None) -> None:
        ids, self._order = torch.sort(candidate_id.long(), stable=True)
        anchor_id = anchor_id.long()  # both of one type, as searchsorted asks
        self._first = torch.searchsorted(ids, anchor_id)
        self._count = torch.searchsorted(ids, anchor_id, right=True) - self._first
        self._target = target

    def fill_(self, block: Tensor, rows: slice, columns: slice | None = None) -> None:
        """Write -inf over the pairs of anchors ``rows`` and candidates ``columns`` (None: all) in ``block``."""
        count = self._count[rows]
        row = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
        offset = torch.arange(len(row), device=count.device) - (count.cumsum(0) - count)[row]
        column = self._order[self._first[rows][row] + offset]
        if self._target is not None:
            other = column != self._target[rows][row]
            row, column = row[other], column[other]
        if columns is not None:
            inside = (column >= columns.start) & (column < columns.stop)
            row, column = row[inside], column[inside] - columns.start
        block.view(-1).index_fill_(0, row * block.shape[1] + column, -torch.inf)


def _exponentials(problem: Problem, shift: Tensor | None) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Yield (rows, shift (R,), exp(logits - shift) (R, C)) block by block; every block is the same memory."""
    anchor, candidate = _rounded(problem.anchor, problem), _rounded(problem.candidate, problem)
    left_out = None
    if problem.anchor_id is not None and problem.candidate_id is not None:
        left_out = LeftOut(problem.anchor_id, problem.candidate_id, problem.target)
    size = max(1, problem.tile_bytes // (len(candidate) * candidate.itemsize))
    buffer = anchor.new_empty(min(size, len(anchor)), len(candidate))
    for start in range(0, len(anchor), size):
        rows = slice(start, min(start + size, len(anchor)))
        block = buffer[: rows.stop - rows.start]
        torch.mm(anchor[rows], candidate.T, out=block)
        if problem.bias is not None:
            block.add_(problem.bias)
        if left_out is not None:
            left_out.fill_(block, rows)
        # the clamp: -inf where every candidate is left out, and -inf - -inf would be NaN
        above = block.amax(1).clamp_min_(torch.finfo(block.dtype).min) if shift is None else shift[rows]
        yield rows, above, block.sub_(above[:, None]).exp_()


def _rounded(operand: Tensor, problem: Problem) -> Tensor:
    """What a product reads, in the dtype it sums in."""
    return operand if problem.precision == "float32" else operand.bfloat16().to(operand.dtype)


class _Sums:
    """The gradients, summed block by block."""

    def __init__(self, problem: Problem, needed: Needed) -> None:
        self._problem = problem
        anchor, candidate, bias = problem.anchor, problem.candidate, problem.bias
        self._candidate = _rounded(candidate, problem)
        self._anchor_grad = torch.empty_like(anchor) if needed[0] else None
        self._candidate_grad = torch.zeros_like(candidate) if needed[1] else None
        self._bias_grad = torch.zeros_like(bias) if bias is not None and needed[2] else None

    def add_(self, block: Tensor, rows: slice, factor: Tensor) -> None:
        """Add those of sum_i factor_i log-sum_i, where ``block`` is row i's softmax up to that factor."""
        if self._problem.skip_target and self._problem.target is not None:
            block.scatter_(1, self._problem.target[rows, None].long(), 0.0)
        if self._bias_grad is not None:
            self._bias_grad.addmv_(block.T, factor)
        if self._problem.precision == "bfloat16":
            block.copy_(block.bfloat16())
        if self._anchor_grad is not None:
            torch.mm(block, self._candidate, out=self._anchor_grad[rows]).mul_(factor[:, None])
        if self._candidate_grad is not None:
            scaled = _rounded(self._problem.anchor[rows] * factor[:, None], self._problem)
            self._candidate_grad.addmm_(block.T, scaled)

    def gradients(self) -> Gradients:
        return Gradients(self._anchor_grad, self._candidate_grad, self._bias_grad)
