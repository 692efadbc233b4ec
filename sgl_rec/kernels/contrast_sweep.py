"""What a backend of ``kernels.contrast`` is given and gives back, and the autograd over it.

A backend is a module ``contrast_<backend>`` with these functions, none of which knows autograd:

- ``unit(rows) -> (unit, inverse)``: the rows at length 1, and 1/length, (R,); both 0 for a zero row.
- ``unit_backward(grad, unit, inverse) -> grad of the rows``: ``inverse * (grad - unit * <unit, grad>)``.
- ``log_sums(problem) -> (B,)``: L; -inf where every candidate is left out.
- ``sweep(problem, weight, needed) -> (log_sums, Gradients)``: L, and the gradients of ``sum_i weight_i L_i``.
- ``gradients(problem, log_sums, factor, needed) -> Gradients``: those of ``sum_i factor_i L_i``, L being known.
- ``target_logit(problem) -> (B,)``, where it has one: the logits of the targets as they stand in the sum, bias
  included. In a cross-entropy the share of the target, softmax minus one, is a small difference once training
  goes well, and a share rounded to bfloat16 would drown it. A backend that has this function leaves the targets
  out of its gradients (not out of L) where ``problem.skip_target``; their part is then added here, in full.

``needed`` says for (anchor, candidate, bias) whether its gradient is asked for; where not, None is returned.
Candidates are brought to unit length inside the autograd Function, so that a large table is held once more and
not four times.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

import torch
from torch import Tensor

from sgl_rec.types import Precision

Needed: TypeAlias = tuple[bool, bool, bool]


@dataclass(frozen=True, eq=False)
class Problem:
    """What a backend is given: logits ``anchor @ candidate.T + bias``, and the pairs outside the sum.

    Args:
        anchor, candidate, bias: of one dtype, float32 or float64; the anchors are divided by their temperature.
        shift: (B,), no smaller than a row's largest logit and at most 80 above its smallest; None: find the
            row's maximum.
        anchor_id, candidate_id: both or neither; a pair of equal ids is left out ...
        target: ... unless ``j == target[i]``.
        precision: ``bfloat16``: the operands of the gradients' products (anchors, candidates, exponentials) are
            rounded to it, those of the logits may be; every sum is float32. Problems in float64 stay whole, and
            say ``float32``.
        tile_bytes: size of a buffer of R x C, for those who hold one.
        skip_target: gradients are to lack the pairs (i, target[i]); only for backends with ``target_logit``.
    """

    anchor: Tensor
    candidate: Tensor
    bias: Tensor | None
    shift: Tensor | None
    anchor_id: Tensor | None
    candidate_id: Tensor | None
    target: Tensor | None
    precision: Precision
    tile_bytes: int
    skip_target: bool = False

    def detached(self) -> Problem:
        """The same numbers, without their history."""
        bias = None if self.bias is None else self.bias.detach()
        return replace(self, anchor=self.anchor.detach(), candidate=self.candidate.detach(), bias=bias)


class Gradients(NamedTuple):
    """Of the rows as they stand in the Problem, in its dtype; None where not needed."""

    anchor: Tensor | None
    candidate: Tensor | None
    bias: Tensor | None


class Backend(Protocol):
    """The functions of a module ``contrast_<backend>`` (see the head of this file)."""

    def unit(self, rows: Tensor) -> tuple[Tensor, Tensor]: ...
    def unit_backward(self, grad: Tensor, unit: Tensor, inverse: Tensor) -> Tensor: ...
    def log_sums(self, problem: Problem) -> Tensor: ...
    def sweep(self, problem: Problem, weight: Tensor, needed: Needed) -> tuple[Tensor, Gradients]: ...
    def gradients(self, problem: Problem, log_sums: Tensor, factor: Tensor, needed: Needed) -> Gradients: ...
    def target_logit(self, problem: Problem) -> Tensor: ...


class Setting(NamedTuple):
    """Who computes, and whether candidates have yet to be brought to unit length."""

    ops: Backend
    unit: bool


class UnitRows(torch.autograd.Function):
    """Each row at length 1."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, ops: Backend) -> Tensor:
        unit, inverse = ops.unit(rows)
        ctx.ops = ops
        ctx.save_for_backward(unit, inverse)
        return unit

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.ops.unit_backward(grad, *ctx.saved_tensors), None


class WeightedLogSum(torch.autograd.Function):
    """sum_i weight_i L_i, and L: one sweep for the value and every gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        anchor: Tensor,
        candidate: Tensor,
        bias: Tensor | None,
        weight: Tensor,
        problem: Problem,
        setting: Setting,
        minus_target: bool,
        with_grad: bool,  # whether one may be asked for: autograd is off in here
    ) -> tuple[Tensor, Tensor]:
        needed = ctx.needs_input_grad[:3] if with_grad else (False,) * 3
        problem, inverse = _with_unit_candidates(problem, setting)
        problem = _with_targets_skipped(problem, setting, minus_target)
        rows, gradients = setting.ops.sweep(problem, weight, needed)
        if minus_target:
            rows = rows - _take_off_target(problem, rows, weight, gradients, setting.ops)
        gradients = _of_candidates_as_given(gradients, problem, inverse, setting)
        ctx.mark_non_differentiable(rows)
        ctx.save_for_backward(*gradients, rows)
        return weight @ rows, rows

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *(None if saved is None else saved * grad for saved in ctx.saved_tensors), None, None, None, None


class LogSum(torch.autograd.Function):
    """L of every row; backward computes the blocks again from the B normalisers."""

    @staticmethod
    def forward(
        ctx: Any,
        anchor: Tensor,
        candidate: Tensor,
        bias: Tensor | None,
        problem: Problem,
        setting: Setting,
        minus_target: bool,
    ) -> Tensor:
        problem, inverse = _with_unit_candidates(problem, setting)
        problem = _with_targets_skipped(problem, setting, minus_target)
        log_sums = setting.ops.log_sums(problem)
        ctx.problem, ctx.setting, ctx.minus_target = problem, setting, minus_target
        ctx.save_for_backward(anchor, candidate, bias, log_sums, inverse)
        if not minus_target:
            return log_sums
        nothing = Gradients(None, None, None)
        return log_sums - _take_off_target(problem, log_sums, torch.zeros_like(log_sums), nothing, setting.ops)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        *_, log_sums, inverse = ctx.saved_tensors  # the rows: so that a change of them in place is noticed
        gradients = ctx.setting.ops.gradients(ctx.problem, log_sums, grad, ctx.needs_input_grad[:3])
        if ctx.minus_target:
            _take_off_target(ctx.problem, log_sums, grad, gradients, ctx.setting.ops)
        return *_of_candidates_as_given(gradients, ctx.problem, inverse, ctx.setting), None, None, None


def _with_targets_skipped(problem: Problem, setting: Setting, minus_target: bool) -> Problem:
    return replace(problem, skip_target=minus_target and hasattr(setting.ops, "target_logit"))


def _with_unit_candidates(problem: Problem, setting: Setting) -> tuple[Problem, Tensor | None]:
    if not setting.unit:
        return problem, None
    candidate, inverse = setting.ops.unit(problem.candidate)
    return replace(problem, candidate=candidate), inverse


def _of_candidates_as_given(
    gradients: Gradients, problem: Problem, inverse: Tensor | None, setting: Setting
) -> Gradients:
    if inverse is None or gradients.candidate is None:
        return gradients
    return gradients._replace(
        candidate=setting.ops.unit_backward(gradients.candidate, problem.candidate, inverse)
    )


def _take_off_target(
    problem: Problem, log_sums: Tensor, weight: Tensor, gradients: Gradients, ops: Backend
) -> Tensor:
    """Each row's logit of its target without the bias; its part in the gradients is added in place."""
    assert problem.target is not None
    target = problem.target.long()
    own = problem.candidate.index_select(0, target)
    if problem.skip_target:
        logit = ops.target_logit(problem)
        factor = weight * torch.expm1(logit - log_sums)  # softmax - 1, without the cancellation
        if gradients.bias is not None:
            gradients.bias.index_add_(0, target, factor + weight)
        if problem.bias is not None:
            logit = logit - problem.bias.index_select(0, target)
    else:
        logit, factor = (problem.anchor * own).sum(1), -weight
    if gradients.anchor is not None:
        gradients.anchor.addcmul_(own, factor[:, None])
    if gradients.candidate is not None:
        gradients.candidate.index_add_(0, target, problem.anchor * factor[:, None])
    return logit
