"""One launch of a kernel at a time, with more than one part to a sum."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from sgl_rec.kernels.contrast_tiles_cuda import anchor_gradient, candidate_gradient, sum_exponentials

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIZES = {"D": 5, "WIDTH": 16, "OWN": 16, "OTHER": 16, "PRECISION": "ieee", "UPCAST": False}
A, C = 20, 70  # two blocks of anchors; five tiles of candidates, in parts of two


def rows() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(num, 5, generator=generator).to(DEVICE) for num in (A, C))


@pytest.mark.parametrize("fixed", [False, True])
def test_each_part_sums_its_own_candidates(fixed: bool) -> None:
    anchor, candidate = rows()
    top, total = (torch.full((3, A), torch.nan, device=DEVICE) for _ in range(2))
    shift = torch.full((A,), 2.0, device=DEVICE)
    nothing: list[Any] = [None] * 3
    sum_exponentials[(2, 3)](
        anchor,
        candidate,
        None,
        shift if fixed else None,
        *nothing,
        None if fixed else top,
        total,
        A,
        C,
        2,
        **SIZES,
    )
    logits = anchor @ candidate.T
    for part, columns in enumerate((slice(0, 32), slice(32, 64), slice(64, 70))):
        level = shift if fixed else logits[:, columns].amax(1)
        torch.testing.assert_close(total[part], (logits[:, columns] - level[:, None]).exp().sum(1))
        assert fixed or torch.allclose(top[part], level)


def test_parts_of_the_gradients() -> None:
    anchor, candidate = rows()
    level = torch.logsumexp(anchor @ candidate.T, 1)
    factor = torch.linspace(-1, 2, A, device=DEVICE)
    share = (anchor @ candidate.T - level[:, None]).exp() * factor[:, None]
    nothing: list[Any] = [None] * 3
    parts = torch.full((3, A, 5), torch.nan, device=DEVICE)
    anchor_gradient[(2, 3)](
        anchor, candidate, None, level, factor, *nothing, parts, A, C, 2, SKIP_TARGET=False, **SIZES
    )
    torch.testing.assert_close(parts[1], share[:, 32:64] @ candidate[32:64])
    torch.testing.assert_close(parts.sum(0), share @ candidate)
    parts, bias = torch.full((2, C, 5), torch.nan, device=DEVICE), torch.full((2, C), torch.nan, device=DEVICE)
    candidate_gradient[(5, 2)](
        anchor, candidate, None, level, factor, *nothing, parts, bias, A, C, 1, SKIP_TARGET=False, **SIZES
    )
    torch.testing.assert_close(parts[1], share[16:].T @ anchor[16:])
    torch.testing.assert_close(parts.sum(0), share.T @ anchor)
    torch.testing.assert_close(bias.sum(0), share.sum(0))
