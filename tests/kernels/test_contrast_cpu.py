"""The tiled sweep in float32 and bfloat16 against loops in float64 and the plain definition, at every tiling."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sgl_rec.kernels import contrast_cpu
from sgl_rec.kernels.contrast import log_sum, weighted_log_sum
from tests.kernels.test_contrast import IDS, SETTINGS, rows
from tests.kernels.test_contrast_torch import LargestTensor
from tests.reference import contrastive as reference

ONE_SWEEP, TWO_SWEEPS = 2**20, 1  # bytes of a block: all rows, and less than one


@pytest.fixture(params=[(2, 3), (4, 100), (100, 5), (256, 4096)], ids=str)
def tiling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast_cpu, "ROWS", request.param[0])
    monkeypatch.setattr(contrast_cpu, "TILE", request.param[1])


def single(setting: dict[str, Any]) -> dict[str, Any]:
    return {k: v.float() if isinstance(v, Tensor) and v.is_floating_point() else v for k, v in setting.items()}


@pytest.mark.usefixtures("tiling")
@pytest.mark.parametrize("setting", SETTINGS)
def test_equals_loops(setting: dict[str, Any]) -> None:
    anchor, candidate = rows(6, seed=1).float(), rows(8, seed=2).float()
    setting = single({"temperature": 0.5, **setting})
    bias = setting.get("candidate_bias")
    temperature = torch.as_tensor(setting["temperature"]).double().expand(6)
    expected = torch.tensor(
        reference.log_sum(
            anchor.tolist(),
            candidate.tolist(),
            temperature=temperature.tolist(),
            similarity=setting.get("similarity", "cosine"),
            bias=None if bias is None else bias.tolist(),
            **{name: column.tolist() for name, column in setting.items() if name in IDS},
        ),
        dtype=torch.float64,
    )
    size = 1.0 if setting.get("similarity", "cosine") == "cosine" else 20.0  # of the similarities
    bound = 1e-6 * (1 + size / temperature + (0 if bias is None else bias.abs().max()))
    for precision in ("float32", "bfloat16"):
        options = {"backend": "cpu", "precision": precision, **setting}
        for tile_bytes in (ONE_SWEEP, TWO_SWEEPS):
            got = log_sum(anchor, candidate, tile_bytes=tile_bytes, **options)
            assert ((got - expected).abs() < bound).all()
            _, per_row = weighted_log_sum(
                anchor, candidate, weight=torch.ones(6), tile_bytes=tile_bytes, **options
            )
            assert ((per_row - expected).abs() < bound).all()


@pytest.mark.usefixtures("tiling")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_gradients_equal_the_plain_definition(setting: dict[str, Any], precision: Any) -> None:
    weight = torch.linspace(-1, 3, 6)
    setting = single({"temperature": 0.5, **setting})

    def gradients(dtype: torch.dtype, form: str, **options: Any) -> list[Tensor]:
        leaves = {"anchor": rows(6, seed=1).float(), "candidate": rows(8, seed=2).float()}
        leaves |= {k: v for k, v in setting.items() if isinstance(v, Tensor) and v.is_floating_point()}
        leaves = {k: v.to(dtype, copy=True).requires_grad_() for k, v in leaves.items()}
        arguments = {**setting, **leaves, **options}
        if form == "one":
            value = weighted_log_sum(weight=weight, **arguments)[0]
        else:
            value = weight.to(dtype) @ log_sum(**arguments)
        return [part.double() for part in torch.autograd.grad(3 * value, list(leaves.values()))]

    exact = gradients(torch.float64, "one", backend="torch")
    cold = setting["temperature"] == 0.005 if isinstance(setting["temperature"], float) else False
    bound = (2e-4 if cold else 2e-5) if precision == "float32" else 2e-2
    for tile_bytes in (ONE_SWEEP, TWO_SWEEPS):
        options = {"backend": "cpu", "precision": precision, "tile_bytes": tile_bytes}
        for form in ("one", "two"):
            got = gradients(torch.float32, form, **options)
            for one, expected in zip(got, exact, strict=True):
                assert (one - expected).norm() <= bound * expected.norm() + 1e-6


@pytest.mark.parametrize("temperature", [0.05, 0.1, 0.2, 1.0])
@pytest.mark.parametrize("backend", ["cpu", "torch"])
@pytest.mark.parametrize("form", ["one sweep", "two sweeps", "log_sum"])
def test_bfloat16_is_within_a_hundredth(temperature: float, backend: str, form: str) -> None:
    """As a step has it: two views of the same rows, each anchor's own candidate among many."""
    candidate = rows(3000, 64, seed=1).float()
    anchor = candidate[:300] + rows(300, 64, seed=2).float()
    target, weight = torch.arange(300), torch.full((300,), 1 / 300)
    size = {"tile_bytes": 1} if form == "two sweeps" and backend == "cpu" else {}

    def gradients(dtype: torch.dtype, **options: Any) -> list[Tensor]:
        leaves = [anchor.to(dtype).requires_grad_(), candidate.to(dtype).requires_grad_()]
        if form == "log_sum":
            per_row = log_sum(*leaves, temperature=temperature, target=target, minus_target=True, **options)
            value = per_row.mean()
        else:
            value, per_row = weighted_log_sum(
                *leaves,
                weight=weight,
                temperature=temperature,
                target=target,
                minus_target=True,
                **options,
            )
        return [part.detach().double() for part in (value, per_row, *torch.autograd.grad(value, leaves))]

    exact = gradients(torch.float64, backend="torch")
    low = gradients(torch.float32, backend=backend, precision="bfloat16", **size)
    for got, expected in zip(low, exact, strict=True):
        error = (got - expected).norm() / expected.norm()
        assert error < 1e-2
    assert error > 1e-5, "and it is rounded"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_same_bits_every_time_also_after_larger_problems(precision: Any, threads: int) -> None:
    def once(num: int = 300) -> tuple[Tensor, ...]:
        leaves = [rows(num, 16, seed=1).float().requires_grad_(), rows(5000, 16, seed=2).float().requires_grad_()]
        value, per_row = weighted_log_sum(
            *leaves, weight=torch.ones(num), temperature=0.2, backend="cpu", precision=precision
        )
        return per_row, *torch.autograd.grad(value, leaves)

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        first = once()
        once(700)
        assert all(map(torch.equal, first, once()))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_onednn_the_products_are_the_same(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    left, right, bias = rows(7, seed=1).to(dtype), rows(9, seed=2).to(dtype), rows(1, 9, seed=3)[0].to(dtype)
    with_it = contrast_cpu._product(left, right, bias)
    monkeypatch.setattr(contrast_cpu, "_has_onednn", lambda dtype: False)
    torch.testing.assert_close(contrast_cpu._product(left, right, bias), with_it)


def test_never_holds_anchors_by_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast_cpu, "ROWS", 10)
    monkeypatch.setattr(contrast_cpu, "TILE", 50)
    monkeypatch.setattr(contrast_cpu, "STEP", 1)
    tile_bytes = 20 * 600 * 4
    for num_anchors, kept in ((400, tile_bytes // 4), (9, 9 * 600)):
        anchor, candidate = rows(num_anchors, 2, seed=1).float(), rows(600, 2, seed=2).float()
        ids = {"anchor_id": torch.arange(num_anchors), "candidate_id": torch.arange(600)}
        for leaf in (anchor, candidate):
            leaf.requires_grad_()
        contrast_cpu._held.buffer = torch.empty(0, dtype=torch.uint8)
        options = {"temperature": 0.1, "backend": "cpu", "tile_bytes": tile_bytes, **ids}
        with LargestTensor() as largest:
            log_sum(anchor, candidate, **options).sum().backward()
            assert largest.elements <= 1200, "the tables"
            weighted_log_sum(anchor, candidate, weight=torch.ones(num_anchors), **options)[0].backward()
        assert largest.elements <= 4 * kept, "the buffer, counted in bytes"


@pytest.mark.parametrize("candidates", ["table", "batch"])
def test_few_shapes_reach_onednn(candidates: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, product = set(), contrast_cpu._product

    def noted(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
        shapes.add((*left.shape, *right.shape))
        return product(left, right, bias)

    monkeypatch.setattr(contrast_cpu, "_product", noted)
    for count in range(1000, 1064):
        anchor, candidate = (
            rows(count, 8, seed=1).float(),
            rows(count if candidates == "batch" else 5003, 8, seed=2).float(),
        )
        anchor.requires_grad_()
        weighted_log_sum(
            anchor, candidate.requires_grad_(), weight=torch.ones(count), temperature=0.2, backend="cpu"
        )
    assert len(shapes) <= 16, shapes


@pytest.mark.parametrize("needed", [(False, False), (True, False), (False, True)])
def test_computes_only_the_gradients_that_are_needed(
    needed: tuple[bool, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0
    product = contrast_cpu._product

    def counted(*arguments: Any) -> Tensor:
        nonlocal count
        count += 1
        return product(*arguments)

    monkeypatch.setattr(contrast_cpu, "_product", counted)
    anchor, candidate = (
        rows(num, seed=1).float().requires_grad_(need) for num, need in zip((4, 9), needed, strict=True)
    )
    weighted_log_sum(anchor, candidate, weight=torch.ones(4), temperature=1.0, backend="cpu")
    assert count == 1 + sum(needed)
