"""The contrast sweep on the GPU (interpreted where there is none) against the loops and the plain form."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton")

from sgl_rec.kernels import contrast_cuda, contrast_torch
from sgl_rec.kernels.contrast_sweep import Problem
from tests.reference import contrastive as reference

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# anchors, candidates, width: one tile, many, and sizes that fill none of them
SHAPES = [(1, 1, 1), (1, 300, 5), (70, 1, 20), (130, 150, 16), (65, 600, 64), (9, 40, 66), (5, 70, 256)]
EVERYTHING = (True, True, True)


def problem(
    num_anchors: int,
    num_candidates: int,
    width: int,
    *,
    temperature: float = 0.2,
    fixed: bool = False,
    bias: bool = False,
    ids: bool = False,
    target: bool = False,
    precision: Any = "float32",
    scale: float = 1.0,
    tile_bytes: int = 2**20,
    skip_target: bool = False,
) -> Problem:
    generator = torch.Generator().manual_seed(num_anchors + num_candidates)
    anchor, candidate = (
        scale * torch.nn.functional.normalize(torch.randn(num, width, generator=generator))
        for num in (num_anchors, num_candidates)
    )
    columns = [
        torch.randint(6, (num_anchors,), generator=generator),
        torch.randint(6, (num_candidates,), generator=generator),
        torch.randint(num_candidates, (num_anchors,), generator=generator),
    ]
    shift = torch.full((num_anchors,), scale * scale / temperature + 3.0)
    given = [
        anchor / temperature,
        candidate,
        torch.randn(num_candidates, generator=generator).clamp(-3, 3) if bias else None,
        shift if fixed else None,
        *(columns[:2] if ids else (None, None)),
        columns[2] if target else None,
    ]
    return Problem(
        *(None if one is None else one.to(DEVICE) for one in given), precision, tile_bytes, skip_target
    )


def in_float64(given: Problem) -> Problem:
    def double(one: Tensor | None) -> Tensor | None:
        return None if one is None else one.double()

    ids = given.anchor_id, given.candidate_id, given.target
    floats = [double(one) for one in (given.anchor, given.candidate, given.bias, given.shift)]
    return Problem(*floats, *ids, "float32", given.tile_bytes, given.skip_target)


def check(given: Problem, *, rows: float, norm: float) -> None:
    weight = torch.linspace(-1, 3, len(given.anchor), device=DEVICE) / len(given.anchor)
    got, gradients = contrast_cuda.sweep(given, weight, EVERYTHING)
    exact, expected = contrast_torch.sweep(in_float64(given), weight.double(), EVERYTHING)
    torch.testing.assert_close(got.double(), exact, rtol=0, atol=rows)
    two = contrast_cuda.gradients(given, contrast_cuda.log_sums(given), weight, EVERYTHING)
    for one, same, other in zip(gradients, two, expected, strict=True):
        if other is None:
            assert one is same is None
        else:
            assert one is not None
            assert torch.equal(one, same)
            assert one.shape == other.shape
            assert float((one - other).norm()) <= norm * float(other.norm()) + 1e-7


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize(("target", "skip"), [(False, False), (True, False), (True, True)])
def test_every_setting_equals_float64(fixed: bool, bias: bool, ids: bool, target: bool, skip: bool) -> None:
    given = problem(70, 150, 20, fixed=fixed, bias=bias, ids=ids, target=target, skip_target=skip)
    check(given, rows=6e-6, norm=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_shape_equals_float64(shape: tuple[int, int, int], fixed: bool, precision: Any) -> None:
    given = problem(*shape, fixed=fixed, precision=precision)
    whole = precision == "float32"
    check(given, rows=6e-6 if whole else 2e-2, norm=1e-5 if whole else 1e-2)


def test_equals_the_loop() -> None:
    given = problem(6, 8, 5, temperature=1.0, bias=True, ids=True, target=True)
    columns = {name: getattr(given, name).tolist() for name in ("anchor_id", "candidate_id", "target")}
    expected = reference.log_sum(
        given.anchor.tolist(),
        given.candidate.tolist(),
        temperature=[1.0] * 6,
        similarity="dot",
        bias=given.bias.tolist(),
        **columns,
    )
    torch.testing.assert_close(contrast_cuda.log_sums(given).cpu(), torch.tensor(expected))


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_cold_and_long_rows(scale: float) -> None:
    given = problem(20, 70, 8, temperature=0.005 if scale == 1 else 1.0, scale=scale)
    check(given, rows=2e-4 if scale == 1 else 1e-3, norm=1e-3)


@pytest.mark.parametrize("fixed", [False, True])
def test_row_whose_every_candidate_is_left_out(fixed: bool) -> None:
    given = problem(3, 70, 4, fixed=fixed, ids=True)
    given.candidate_id.zero_()
    given.anchor_id.copy_(torch.tensor([0, 1, 0]))
    weight = torch.ones(3, device=DEVICE)
    got, gradients = contrast_cuda.sweep(given, weight, EVERYTHING)
    assert got[0] == got[2] == -torch.inf
    assert got[1].isfinite()
    assert not gradients.anchor[[0, 2]].any()
    assert all(one.isfinite().all() for one in gradients if one is not None)
    assert gradients.anchor[1].any()


def test_equal_rows_give_log_of_the_count() -> None:
    ones = torch.ones(3, 4, device=DEVICE), torch.zeros(700, 4, device=DEVICE)
    given = Problem(*ones, None, torch.zeros(3, device=DEVICE), None, None, None, "float32", 2**20)
    assert contrast_cuda.log_sums(given).tolist() == pytest.approx([math.log(700)] * 3)


@pytest.mark.parametrize("needed", [(True, False, False), (False, True, False), (False, False, True)])
def test_only_what_is_needed(needed: tuple[bool, bool, bool]) -> None:
    given = problem(5, 9, 4, bias=True)
    weight = torch.ones(5, device=DEVICE)
    every = contrast_cuda.sweep(given, weight, EVERYTHING)[1]
    for asked, one, other in zip(needed, contrast_cuda.sweep(given, weight, needed)[1], every, strict=True):
        assert one is None if not asked else torch.equal(one, other)


@pytest.mark.parametrize("tile_bytes", [1, 2**26])
def test_splits_only_as_far_as_the_budget_goes(tile_bytes: int) -> None:
    given = problem(65, 1500, 16, tile_bytes=tile_bytes)
    (_, splits), _ = contrast_cuda._Prepared.of(given).grid(65, 1500, row_bytes=64)
    assert splits == 1 if tile_bytes == 1 else splits > 1
    check(given, rows=6e-6, norm=1e-5)


def test_same_bits_again() -> None:
    given = problem(70, 600, 16)
    weight = torch.ones(70, device=DEVICE)
    one, other = (contrast_cuda.sweep(given, weight, EVERYTHING) for _ in range(2))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1].anchor, other[1].anchor)
    assert torch.equal(one[1].candidate, other[1].candidate)


@pytest.mark.parametrize("width", [3, contrast_cuda.WIDEST + 1])
def test_other_problems_take_the_plain_form(width: int) -> None:
    given = problem(3, 5, width)
    given = in_float64(given) if width == 3 else given
    weight = torch.ones(3, device=DEVICE, dtype=given.anchor.dtype)
    for one, other in zip(
        contrast_cuda.sweep(given, weight, EVERYTHING)[1],
        contrast_torch.sweep(given, weight, EVERYTHING)[1],
        strict=True,
    ):
        assert (one is None and other is None) or torch.equal(one, other)


@pytest.mark.parametrize("width", [1, 20, 66, 300])
def test_unit_rows(width: int) -> None:
    rows = torch.randn(37, width, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    rows[3] = 0
    rows[5] *= 1e-30
    rows[6] *= 1e30
    unit, inverse = contrast_cuda.unit(rows)
    exact, one_over = contrast_torch.unit(rows.double())
    torch.testing.assert_close(unit.double(), exact, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(inverse.double(), one_over, rtol=1e-6, atol=0)
    grad = torch.randn(37, width, generator=torch.Generator().manual_seed(1)).to(DEVICE)
    got = contrast_cuda.unit_backward(grad, unit, inverse)
    expected = contrast_torch.unit_backward(grad.double(), exact, one_over)
    assert ((got - expected).norm(dim=1) <= 1e-5 * (grad.norm(dim=1) * one_over)).all()
    assert not got[3].any()


def milliseconds(call: Callable[[], object]) -> float:
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for _ in range(20):
        call()
    torch.cuda.synchronize()
    return 50 * (time.perf_counter() - begin)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_yelp_size(precision: Any) -> None:
    given = problem(2048, 31_668, 64, fixed=True, precision=precision, tile_bytes=2**26)
    check(given, rows=6e-6 if precision == "float32" else 2e-2, norm=1e-5 if precision == "float32" else 1e-2)
    weight = torch.full((2048,), 1 / 2048, device=DEVICE)
    for name, module in (("triton", contrast_cuda), ("torch", contrast_torch)):
        spent = milliseconds(lambda m=module: m.sweep(given, weight, (True, True, False)))
        print(f"sweep of 2048 x 31668 x 64, {precision}, {name}: {spent:.3f} ms")
