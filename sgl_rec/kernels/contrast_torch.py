"""The sweep of ``kernels.contrast`` in plain PyTorch: blocks of anchors against all candidates, in one buffer.

Logits here are ``anchor @ candidate.T + bias``; temperature and normalisation were applied to the rows before,
so that autograd carries the gradients of both, and what is left is matrix products and one exponential.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


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

    def fill_(self, block: Tensor, rows: slice) -> None:
        """Write -inf over the pairs of anchors ``rows`` in ``block`` (contiguous, R x C)."""
        count = self._count[rows]
        row = torch.repeat_interleave(torch.arange(len(count), device=count.device), count)
        offset = torch.arange(len(row), device=count.device) - (count.cumsum(0) - count)[row]
        column = self._order[self._first[rows][row] + offset]
        if self._target is not None:
            other = column != self._target[rows][row]
            row, column = row[other], column[other]
        block.view(-1).index_fill_(0, row * block.shape[1] + column, -torch.inf)


@dataclass(frozen=True, eq=False)
class Problem:
    """What a sweep is told beside its rows.

    Args:
        shift: (B,), no smaller than a row's largest logit and not far above it; None: find the row maximum.
        left_out: pairs outside the sum.
        tile_rows: R, the anchors of a block.
        with_grad: whether a gradient may be asked for (autograd is off inside a Function's forward).
    """

    shift: Tensor | None
    left_out: LeftOut | None
    tile_rows: int
    with_grad: bool


def _exponentials(
    anchor: Tensor, candidate: Tensor, bias: Tensor | None, shift: Tensor | None, problem: Problem
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Yield (rows, shift (R,), exp(logits - shift) (R, C)) block by block; every block is the same memory."""
    buffer = anchor.new_empty(min(problem.tile_rows, len(anchor)), len(candidate))
    for start in range(0, len(anchor), problem.tile_rows):
        rows = slice(start, min(start + problem.tile_rows, len(anchor)))
        block = buffer[: rows.stop - rows.start]
        torch.mm(anchor[rows], candidate.T, out=block)
        if bias is not None:
            block.add_(bias)
        if problem.left_out is not None:
            problem.left_out.fill_(block, rows)
        # the clamp: -inf where every candidate is left out, and -inf - -inf would be NaN
        above = block.amax(1).clamp_min_(torch.finfo(block.dtype).min) if shift is None else shift[rows]
        yield rows, above, block.sub_(above[:, None]).exp_()


class _Gradients:
    """The gradients of anchors, candidates and bias, summed block by block; one not needed is None."""

    def __init__(self, anchor: Tensor, candidate: Tensor, bias: Tensor | None, needed: tuple[bool, ...]) -> None:
        self._anchor, self._candidate = anchor, candidate
        self.anchor = torch.empty_like(anchor) if needed[0] else None
        self.candidate = torch.zeros_like(candidate) if needed[1] else None
        self.bias = torch.zeros_like(bias) if bias is not None and needed[2] else None

    def add_(self, block: Tensor, rows: slice, factor: Tensor) -> None:
        """Add those of sum_i factor_i log-sum_i, where ``block`` is row i's softmax up to that factor."""
        if self.anchor is not None:
            torch.mm(block, self._candidate, out=self.anchor[rows]).mul_(factor[:, None])
        if self.candidate is not None:
            self.candidate.addmm_(block.T, self._anchor[rows] * factor[:, None])
        if self.bias is not None:
            self.bias.addmv_(block.T, factor)


class WeightedLogSum(torch.autograd.Function):
    """sum_i weight_i log sum_j exp(logit_ij), and the log-sums: one sweep for the value and every gradient."""

    @staticmethod
    def forward(
        ctx: Any, anchor: Tensor, candidate: Tensor, bias: Tensor | None, weight: Tensor, problem: Problem
    ) -> tuple[Tensor, Tensor]:
        needed = ctx.needs_input_grad if problem.with_grad else (False,) * 3
        gradients = _Gradients(anchor, candidate, bias, needed)
        log_sums = torch.empty_like(weight)
        for rows, shift, block in _exponentials(anchor, candidate, bias, problem.shift, problem):
            total = block.sum(1)
            log_sums[rows] = total.log() + shift
            gradients.add_(block, rows, weight[rows] / total.masked_fill(total == 0, torch.inf))
        ctx.mark_non_differentiable(log_sums)
        ctx.save_for_backward(gradients.anchor, gradients.candidate, gradients.bias, log_sums)
        return weight @ log_sums, log_sums

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *(None if saved is None else saved * grad for saved in ctx.saved_tensors), None


class LogSum(torch.autograd.Function):
    """log sum_j exp(logit_ij) of every row; backward computes the blocks again from the B normalisers."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, candidate: Tensor, bias: Tensor | None, problem: Problem) -> Tensor:
        log_sums = anchor.new_empty(len(anchor))
        for rows, shift, block in _exponentials(anchor, candidate, bias, problem.shift, problem):
            log_sums[rows] = block.sum(1).log_().add_(shift)
        ctx.problem = problem
        ctx.save_for_backward(anchor, candidate, bias, log_sums)
        return log_sums

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        anchor, candidate, bias, log_sums = ctx.saved_tensors
        gradients = _Gradients(anchor, candidate, bias, ctx.needs_input_grad)
        shift = log_sums.clamp_min(torch.finfo(log_sums.dtype).min)  # as above: an empty row stays 0
        for rows, _, block in _exponentials(anchor, candidate, bias, shift, ctx.problem):
            gradients.add_(block, rows, grad[rows])
        return gradients.anchor, gradients.candidate, gradients.bias, None
