"""The contrast kernel against loops in float64, autograd over the full matrix, and its own second form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.kernels.contrast import log_sum, unit_rows, weighted_log_sum
from tests.reference import contrastive as reference


def rows(
    num: int, width: int = 5, *, seed: int, dtype: torch.dtype = torch.float64, scale: float = 1.0
) -> Tensor:
    drawn = torch.randn(num, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (scale * drawn).to(dtype)


def full_log_sum(
    anchor: Tensor,
    candidate: Tensor,
    *,
    temperature: float | Tensor,
    similarity: str = "cosine",
    candidate_bias: Tensor | None = None,
    **ids: Tensor,
) -> Tensor:
    """Plain autograd over the whole matrix."""
    if similarity == "cosine":
        scores = torch.nn.functional.normalize(anchor) @ torch.nn.functional.normalize(candidate).T
    elif similarity == "dot":
        scores = anchor @ candidate.T
    else:
        scores = -(anchor[:, None] - candidate).square().sum(2)
    logits = scores / (
        temperature[:, None] if isinstance(temperature, Tensor) and temperature.ndim else temperature
    )
    if candidate_bias is not None:
        logits = logits + candidate_bias
    if ids:
        out = ids["anchor_id"][:, None] == ids["candidate_id"]
        if "target" in ids:
            out &= torch.arange(len(candidate)) != ids["target"][:, None]
        logits = logits.masked_fill(out, -torch.inf)
    return logits.logsumexp(1)


IDS = {
    "anchor_id": torch.tensor([3, 1, 3, 7, 0, 1]),
    "candidate_id": torch.tensor([1, 3, 3, 9, 1, 8, 0, 3]),
    "target": torch.tensor([1, 0, 7, 3, 6, 4]),
}
SETTINGS = [
    pytest.param({}, id="plain"),
    pytest.param({"similarity": "dot"}, id="dot"),
    pytest.param({"similarity": "euclidean"}, id="euclidean"),
    pytest.param({"candidate_bias": rows(1, 8, seed=9)[0]}, id="bias"),
    pytest.param({"candidate_bias": 50 * rows(1, 8, seed=9)[0]}, id="wide-bias"),
    pytest.param({"temperature": torch.tensor(0.3, dtype=torch.float64)}, id="temperature-tensor"),
    pytest.param({"temperature": torch.linspace(0.1, 2, 6, dtype=torch.float64)}, id="temperature-rows"),
    pytest.param({"temperature": 0.005}, id="cold"),
    pytest.param(IDS, id="left-out"),
    pytest.param({**IDS, "temperature": 0.005, "candidate_bias": rows(1, 8, seed=9)[0]}, id="left-out-cold"),
]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("tile_rows", [1, 4, 100])
def test_equals_loops(setting: dict[str, Any], tile_rows: int) -> None:
    anchor, candidate = rows(6, seed=1), rows(8, seed=2)
    setting = {"temperature": 0.5, **setting}
    bias = setting.get("candidate_bias")
    expected = torch.tensor(
        reference.log_sum(
            anchor.tolist(),
            candidate.tolist(),
            temperature=torch.as_tensor(setting["temperature"], dtype=torch.float64).expand(6).tolist(),
            similarity=setting.get("similarity", "cosine"),
            bias=None if bias is None else bias.tolist(),
            **{name: column.tolist() for name, column in setting.items() if name in IDS},
        ),
        dtype=torch.float64,
    )
    tile = {"tile_bytes": tile_rows * 8 * 8}
    torch.testing.assert_close(log_sum(anchor, candidate, **setting, **tile), expected, rtol=1e-12, atol=1e-12)
    weight = torch.linspace(-1, 3, 6, dtype=torch.float64)
    total, detached = weighted_log_sum(anchor, candidate, weight=weight, **setting, **tile)
    torch.testing.assert_close(detached, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(total, weight @ expected, rtol=1e-12, atol=1e-12)
    assert not detached.requires_grad


@pytest.mark.parametrize("setting", SETTINGS)
def test_one_sweep_two_sweeps_and_the_full_matrix_have_the_same_gradients(setting: dict[str, Any]) -> None:
    setting = {"temperature": 0.5, **setting}
    weight = torch.linspace(-1, 3, 6, dtype=torch.float64)

    def gradients(function: Any) -> list[Tensor]:
        leaves = {"anchor": rows(6, seed=1), "candidate": rows(8, seed=2)}
        leaves |= {k: v.clone() for k, v in setting.items() if isinstance(v, Tensor) and v.is_floating_point()}
        for leaf in leaves.values():
            leaf.requires_grad_()
        value = function(**{**setting, **leaves})
        return list(torch.autograd.grad(3 * value, list(leaves.values())))

    expected = gradients(lambda **kw: weight @ full_log_sum(**kw))
    for tile_bytes in (1, 4 * 8 * 8, 2**20):
        one = gradients(lambda b=tile_bytes, **kw: weighted_log_sum(**kw, weight=weight, tile_bytes=b)[0])
        two = gradients(lambda b=tile_bytes, **kw: weight @ log_sum(**kw, tile_bytes=b))
        torch.testing.assert_close(one, expected, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(two, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("per_row", [False, True])
def test_gradcheck(similarity: Any, per_row: bool) -> None:
    temperature = torch.tensor([0.4, 0.7, 1.1] if per_row else 0.6, dtype=torch.float64)
    inputs = [rows(3, 3, seed=1), rows(4, 3, seed=2), temperature, rows(1, 4, seed=3)[0], rows(1, 3, seed=4)[0]]
    inputs = [leaf.requires_grad_() for leaf in inputs]
    ids = {"anchor_id": torch.tensor([0, 1, 1]), "candidate_id": torch.tensor([0, 1, 1, 2])}
    ids["target"] = torch.tensor([0, 1, 2])

    def one(anchor: Tensor, candidate: Tensor, tau: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
        return weighted_log_sum(
            anchor,
            candidate,
            weight=weight,
            temperature=tau,
            similarity=similarity,
            candidate_bias=bias,
            tile_bytes=64,
            **ids,
        )[0]

    def two(anchor: Tensor, candidate: Tensor, tau: Tensor, bias: Tensor) -> Tensor:
        return log_sum(
            anchor,
            candidate,
            temperature=tau,
            similarity=similarity,
            candidate_bias=bias,
            tile_bytes=64,
            **ids,
        )

    assert torch.autograd.gradcheck(one, inputs)
    assert torch.autograd.gradcheck(two, inputs[:4])


@pytest.mark.parametrize("temperature", [0.005, 0.026, 0.2, 5.0])
@pytest.mark.parametrize("shape", [(7, 40), (1, 40), (7, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_low_precision_is_finite_and_equals_float64(
    temperature: float, shape: tuple[int, int], dtype: torch.dtype
) -> None:
    anchor, candidate = (rows(num, 16, seed=seed, dtype=dtype) for seed, num in enumerate(shape))
    anchor[0] = 0

    def gradients(to: torch.dtype) -> tuple[Tensor, ...]:
        leaves = [anchor.to(to).requires_grad_(), candidate.to(to).requires_grad_()]
        value, per_row = weighted_log_sum(*leaves, weight=torch.ones(len(anchor)), temperature=temperature)
        return per_row.double(), *(g.double() for g in torch.autograd.grad(value, leaves))

    low, exact = gradients(dtype), gradients(torch.float64)
    torch.testing.assert_close(low[0], exact[0], rtol=1e-5, atol=1e-5)
    for got, expected in zip(low[1:], exact[1:], strict=True):  # bfloat16: gradients are rounded to it at the end
        bound = (1e-2 if dtype == torch.bfloat16 else 1e-4) * expected.abs().max().item()
        torch.testing.assert_close(got, expected, rtol=1e-2, atol=bound + 1e-6 / temperature)


@pytest.mark.parametrize("similarity", ["dot", "euclidean"])
def test_rows_of_norm_30(similarity: Any) -> None:
    anchor, candidate = (30 * unit_rows(rows(20, 8, seed=seed)) for seed in (1, 2))
    exact = log_sum(anchor, candidate, temperature=1.0, similarity=similarity)
    got = log_sum(anchor.float(), candidate.float(), temperature=1.0, similarity=similarity)
    torch.testing.assert_close(got.double(), exact, rtol=1e-5, atol=1e-3)


def test_zero_row_has_cosine_and_gradient_zero() -> None:
    anchor = torch.tensor([[0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    candidate = torch.tensor([[0.0, 0.0], [1.0, 1.0], [3.0, 0.0]], requires_grad=True)
    total, per_row = weighted_log_sum(anchor, candidate, weight=torch.ones(2), temperature=0.5)
    total.backward()
    assert per_row[0].item() == pytest.approx(math.log(3))
    assert per_row[1].item() == pytest.approx(math.log(1 + math.exp(math.sqrt(2)) + math.exp(2)))
    assert anchor.grad is not None
    assert candidate.grad is not None
    assert anchor.grad[0].tolist() == candidate.grad[0].tolist() == [0.0, 0.0]
    assert candidate.grad[1].abs().min() > 0


@pytest.mark.parametrize("temperature", [0.5, 0.005])  # fixed shift, row maximum
def test_row_with_every_candidate_left_out_is_minus_infinity_without_gradient(temperature: float) -> None:
    anchor, candidate = rows(2, seed=1).requires_grad_(), rows(3, seed=2)
    ids = {"anchor_id": torch.tensor([4, 5]), "candidate_id": torch.tensor([4, 4, 4])}
    two = log_sum(anchor, candidate, temperature=temperature, **ids)
    total, one = weighted_log_sum(anchor, candidate, weight=torch.ones(2), temperature=temperature, **ids)
    assert two[0] == one[0] == -torch.inf
    for value in (total, two.sum()):
        (gradient,) = torch.autograd.grad(value, anchor)
        assert gradient[0].tolist() == [0.0] * 5
        assert gradient[1].isfinite().all()
        assert gradient[1].any()


def test_bias_at_any_level_and_range() -> None:
    anchor, candidate = rows(3, seed=1).float(), rows(4, seed=2).float()
    level = torch.full((4,), 200.0)
    torch.testing.assert_close(
        log_sum(anchor, candidate, temperature=0.5, candidate_bias=level),
        log_sum(anchor, candidate, temperature=0.5) + 200,
    )
    # what is left of a row may lie far below the largest bias of all
    left = log_sum(
        torch.ones(1, 2),
        torch.ones(2, 2),
        temperature=0.5,
        candidate_bias=torch.tensor([0.0, -150.0]),
        anchor_id=torch.tensor([7]),
        candidate_id=torch.tensor([7, 8]),
    )
    assert left.tolist() == pytest.approx([-148.0])


def test_unit_rows_at_any_scale() -> None:
    straight = rows(3, seed=1, dtype=torch.float32)
    for scale in (1e-30, 1.0, 1e30):
        torch.testing.assert_close(unit_rows(scale * straight), unit_rows(straight))
    torch.testing.assert_close(unit_rows(straight).norm(dim=1), torch.ones(3))
    assert torch.autograd.gradcheck(unit_rows, rows(3, seed=2).requires_grad_())


def test_autocast_does_not_lower_the_precision() -> None:
    anchor, candidate = rows(4, seed=1).float(), rows(9, seed=2).float()
    expected = weighted_log_sum(anchor, candidate, weight=torch.ones(4), temperature=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(log_sum(anchor, candidate, temperature=0.1), expected[1])
        total, _ = weighted_log_sum(anchor, candidate, weight=torch.ones(4), temperature=0.1)
        assert torch.equal(total, expected[0])


def test_unknown_choices_are_the_callers_fault() -> None:
    anchor = rows(2, seed=1)
    with pytest.raises(UserError, match=r"similarity must be one of cosine, dot, euclidean, got 'cos'"):
        log_sum(anchor, anchor, temperature=1.0, similarity="cos")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"precision must be one of float32, bfloat16, got 'half'"):
        log_sum(anchor, anchor, temperature=1.0, precision="half")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="backend"):
        log_sum(anchor, anchor, temperature=1.0, backend="abacus")


BACKENDS = ("torch", "cpu")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1.0, 1e18, 1e30])
def test_unit_rows_of_every_backend(backend: str, scale: float) -> None:
    straight = rows(50, 16, seed=1, dtype=torch.float32)
    straight[3] = 0
    leaf = (scale * straight).requires_grad_()
    unit = unit_rows(leaf, backend=backend)
    towards = rows(50, 16, seed=2, dtype=torch.float32)
    (gradient,) = torch.autograd.grad((unit * towards).sum(), leaf)
    exact_leaf = straight.double().requires_grad_()
    exact = torch.nn.functional.normalize(exact_leaf)
    (expected,) = torch.autograd.grad((exact * towards).sum(), exact_leaf)
    expected[3] = 0
    torch.testing.assert_close(unit.double(), exact.detach(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(gradient.double() * scale, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("setting", SETTINGS)
def test_minus_target_is_the_cross_entropy(setting: dict[str, Any]) -> None:
    setting = {"temperature": 0.5, "target": IDS["target"], **setting}
    weight = torch.linspace(-1, 3, 6, dtype=torch.float64).requires_grad_()
    anchor, candidate = rows(6, seed=1).requires_grad_(), rows(8, seed=2).requires_grad_()
    total, per_row = weighted_log_sum(anchor, candidate, weight=weight, minus_target=True, **setting)
    similarity = {"similarity": setting.get("similarity", "cosine")}
    own = torch.stack(  # the log-sum over one candidate is its logit
        [
            full_log_sum(
                anchor[i : i + 1],
                candidate[t : t + 1],
                temperature=torch.as_tensor(setting["temperature"], dtype=torch.float64).expand(6)[i],
                **similarity,
            )[0]
            for i, t in enumerate(setting["target"].tolist())
        ]
    )
    ids = setting if "anchor_id" in setting else {k: v for k, v in setting.items() if k != "target"}
    losses = full_log_sum(anchor, candidate, **ids) - own
    torch.testing.assert_close(per_row, losses.detach(), rtol=1e-10, atol=1e-10)
    leaves = [anchor, candidate, weight]
    two = log_sum(anchor, candidate, minus_target=True, **setting)
    torch.testing.assert_close(two, losses, rtol=1e-10, atol=1e-10)
    expected = torch.autograd.grad(weight @ losses, leaves, retain_graph=True)
    for value in (total, weight @ two):
        torch.testing.assert_close(
            torch.autograd.grad(value, leaves, retain_graph=True), expected, rtol=1e-9, atol=1e-10
        )


@pytest.mark.parametrize("backend", ["torch", "cpu"])
def test_no_rows(backend: str) -> None:
    assert unit_rows(torch.zeros(0, 4), backend=backend).shape == (0, 4)


@pytest.mark.parametrize("backend", ["torch", "cpu"])
def test_no_candidates_is_refused(backend: str) -> None:
    with pytest.raises(UserError, match="number of candidates must be at least 1"):
        log_sum(torch.ones(3, 4), torch.zeros(0, 4), temperature=0.5, backend=backend)


@pytest.mark.parametrize("backend", ["torch", "cpu", "cuda"])
def test_a_bias_may_be_a_view(backend: str) -> None:
    anchor, candidate, wide = (rows(5, seed=seed, dtype=torch.float32) for seed in (1, 2, 3))
    for bias in (wide[:, 0], torch.full((1,), 0.5).expand(5)):
        got = log_sum(anchor, candidate, temperature=0.5, candidate_bias=bias, backend=backend)
        torch.testing.assert_close(got, full_log_sum(anchor, candidate, temperature=0.5, candidate_bias=bias))
