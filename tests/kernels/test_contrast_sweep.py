"""What stands between the public functions and a backend (values and gradients: see test_contrast.py)."""

from __future__ import annotations

import torch
from torch import Tensor

from sgl_rec.kernels import contrast_cpu, contrast_torch
from sgl_rec.kernels.contrast import log_sum, weighted_log_sum
from tests.kernels.test_contrast import rows


def test_a_large_table_is_held_once_more_and_not_four_times() -> None:
    """What backward keeps beside the inputs: the gradients, or the unit rows."""
    anchor, candidate = rows(2, 8, seed=1).float().requires_grad_(), rows(900, 8, seed=2).float().requires_grad_()
    for form in (weighted_log_sum, log_sum):
        kept: dict[int, int] = {}

        def keep(tensor: Tensor, kept: dict[int, int] = kept) -> Tensor:
            kept[tensor.data_ptr()] = tensor.numel()
            return tensor

        options = {"weight": torch.ones(2)} if form is weighted_log_sum else {}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            form(anchor, candidate, temperature=0.2, **options)
        kept.pop(candidate.data_ptr(), None)
        assert sum(elements >= candidate.numel() for elements in kept.values()) <= 1


def test_a_target_whose_share_is_almost_one_keeps_its_gradient_without_help() -> None:
    """A backend may leave the target in its products (in float32 little is lost): the same values."""
    anchor, target = rows(5, 8, seed=1).float(), torch.tensor([4, 2, 0, 1, 3])
    candidate = rows(9, 8, seed=2).float()
    candidate[target] = anchor + 0.1 * candidate[target]

    def gradients(backend: str) -> tuple[Tensor, ...]:
        leaves = [anchor.clone().requires_grad_(), candidate.clone().requires_grad_()]
        options = {"temperature": 0.2, "target": target, "minus_target": True, "backend": backend}
        total, _ = weighted_log_sum(*leaves, weight=torch.ones(5), **options)
        return total, *torch.autograd.grad(total, leaves)

    with_help = [gradients(backend) for backend in ("cpu", "torch")]
    helpers = {module: module.target_logit for module in (contrast_cpu, contrast_torch)}
    try:
        for module in helpers:
            del module.target_logit
        without = [gradients(backend) for backend in ("cpu", "torch")]
    finally:
        for module, function in helpers.items():
            module.target_logit = function
    for one in (*with_help, *without):
        torch.testing.assert_close(one, with_help[0], rtol=1e-4, atol=2e-6)
