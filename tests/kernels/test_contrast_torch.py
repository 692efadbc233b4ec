"""What the sweep holds and what it computes, beside its values (see test_contrast.py)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sgl_rec.kernels.contrast import log_sum, weighted_log_sum
from sgl_rec.kernels.contrast_torch import LeftOut


def rows(num: int, width: int = 5, *, seed: int) -> Tensor:
    return torch.randn(num, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("with_target", [False, True])
def test_left_out_pairs_equal_loops(dtype: torch.dtype, with_target: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    anchor_id, candidate_id = (torch.randint(6, (num,), generator=generator) for num in (20, 30))
    target = torch.randint(30, (20,), generator=generator) if with_target else None
    left_out = LeftOut(anchor_id.to(dtype), candidate_id, target)
    for start, stop in ((0, 20), (3, 11), (19, 20)):
        block = torch.zeros(stop - start, 30)
        left_out.fill_(block, slice(start, stop))
        for i in range(start, stop):
            for j in range(30):
                out = anchor_id[i] == candidate_id[j] and (target is None or target[i] != j)
                assert block[i - start, j] == (-torch.inf if out else 0)


class LargestTensor(TorchDispatchMode):
    """Records the most elements any operation returned."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self.elements = max(self.elements, tensor.numel())
        return result


def test_never_holds_anchors_by_candidates() -> None:
    tile_bytes = 20 * 600 * 4
    for num_anchors in (50, 400):
        anchor, candidate = rows(num_anchors, 2, seed=1).float(), rows(600, 2, seed=2).float()
        ids = {"anchor_id": torch.arange(num_anchors), "candidate_id": torch.arange(600)}
        for leaf in (anchor, candidate):
            leaf.requires_grad_()
        with LargestTensor() as largest:
            weighted_log_sum(
                anchor,
                candidate,
                weight=torch.ones(num_anchors),
                temperature=0.1,
                backend="torch",
                tile_bytes=tile_bytes,
                **ids,
            )[0].backward()
            log_sums = log_sum(anchor, candidate, temperature=0.1, backend="torch", tile_bytes=tile_bytes, **ids)
            log_sums.sum().backward()
        assert largest.elements == tile_bytes // 4


class Products(TorchDispatchMode):
    """Counts the matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.addmm_)
        return func(*args, **(kwargs or {}))


def test_computes_only_the_gradients_that_are_needed() -> None:
    def products(needs_anchor: bool, needs_candidate: bool) -> int:
        anchor, candidate = rows(4, seed=1), rows(9, seed=2)
        anchor.requires_grad_(needs_anchor)
        candidate.requires_grad_(needs_candidate)
        with Products() as products:
            _, detached = weighted_log_sum(
                anchor, candidate, weight=torch.ones(4), temperature=1.0, similarity="dot", backend="torch"
            )
        assert not detached.requires_grad
        return products.count

    assert products(False, False) == 1  # the logits
    assert products(True, False) == products(False, True) == 2
    assert products(True, True) == 3
    with torch.no_grad():
        assert products(True, True) == 1
