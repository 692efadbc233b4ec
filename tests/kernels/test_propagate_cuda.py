"""Propagation on the GPU (interpreted where there is none) against the dense loop and the plain form."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("triton")

from sgl_rec.graph.build import build_graph
from sgl_rec.kernels import propagate_cuda, propagate_torch
from sgl_rec.kernels.propagate import propagate
from sgl_rec.types import Adjacency, Interactions, Noise
from tests.reference.propagation import dense_adjacency, propagation

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LONG = 8  # the interpreter takes milliseconds for a row: rows are long sooner
NUM_USERS, NUM_ITEMS = 5, 2 * LONG + 6
NUM_NODES = NUM_USERS + NUM_ITEMS
HUB = [(0, item) for item in range(2 * LONG + 3)]  # three parts, the last one short
# User 1 is exactly as long as a short row may be, user 2 one edge longer; user 4 and the last items have no edge.
EXACT = [(1, item) for item in range(LONG)]
LONGER = [(2, item) for item in range(LONG + 1)]
PAIRS = [*HUB, *EXACT, *LONGER, (3, 1), (3, 7)]
WEIGHTS = (0.1, 0.7, -0.3)
NOISE = Noise(0.2, key=2**63 + 11)


@pytest.fixture(autouse=True)
def sooner_long(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.node.get_closest_marker("gpu"):
        monkeypatch.setattr(propagate_cuda, "LONG", LONG)


def adjacency(pairs: list[tuple[int, int]] = PAIRS, exponents: tuple[float, float] = (0.5, 0.5)) -> Adjacency:
    user, item = np.array(sorted(pairs)).reshape(-1, 2).T
    layer = build_graph(Interactions(user, item, NUM_USERS, NUM_ITEMS), exponents=exponents).layers[0]
    parts = (layer.row_start, layer.column, layer.left, layer.right)
    left = layer.left.to(DEVICE)
    right = left if layer.left is layer.right else parts[3].to(DEVICE)
    return Adjacency(parts[0].to(DEVICE), parts[1].to(DEVICE), left, right)


def table(width: int, seed: int = 0) -> Tensor:
    return torch.randn(NUM_NODES, width, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def close(got: Tensor, expected: Tensor | np.ndarray, bound: float = 1e-6) -> None:
    exact = torch.as_tensor(expected).double().cpu()
    assert float((got.double().cpu() - exact).norm() / exact.norm().clamp(min=1e-30)) <= bound


@pytest.mark.parametrize("exponents", [(0.5, 0.5), (0.25, 0.6)])
@pytest.mark.parametrize("width", [1, 5])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_equals_the_dense_loop(exponents: tuple[float, float], width: int, noise: Noise | None) -> None:
    pairs = [PAIRS, [(0, 0), (3, 1), (4, NUM_ITEMS - 1)]]
    dense = [dense_adjacency(one, NUM_USERS, NUM_ITEMS, exponents) for one in pairs]
    x = table(width)
    drawn = {} if noise is None else {"magnitude": noise.magnitude, "key": noise.key}
    total, layers = propagation(dense, x.double().cpu().numpy(), list(WEIGHTS), **drawn)
    graph = [adjacency(one, exponents) for one in pairs]
    got = propagate(graph, x, weights=WEIGHTS, noise=noise, taps=(2, 0, 1), backend="cuda")
    for one, other in zip(got, [total, layers[2], layers[0], layers[1]], strict=True):
        close(one, other)


@pytest.mark.parametrize("width", [3, 64])
def test_isolated_nodes_have_zero_layers_and_no_noise(width: int) -> None:
    x = table(width)
    got = propagate([adjacency()] * 2, x, weights=WEIGHTS, noise=NOISE, taps=(1,), backend="cuda")
    for node in (4, NUM_NODES - 1):
        torch.testing.assert_close(got[0][node], WEIGHTS[0] * x[node])
        assert not got[1][node].any()


@pytest.mark.parametrize("taps", [(), (2, 1)])
def test_gradient_equals_the_plain_form(taps: tuple[int, ...]) -> None:
    graph = [adjacency(exponents=(0.25, 0.6)), adjacency([(0, 0), (3, 1)])]
    gradients = []
    for backend, graphs in (("cuda", graph), ("torch", graph)):
        x = table(4).requires_grad_()
        outputs = propagate(graphs, x, weights=WEIGHTS, taps=taps, backend=backend)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        sum((one * table(4, seed)).sum() for seed, one in enumerate(outputs)).backward()
        gradients.append(x.grad)
    close(gradients[0], gradients[1])


@pytest.mark.parametrize("weights", [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0)])
@pytest.mark.parametrize("extra", [False, True])
def test_weights_of_zero(weights: tuple[float, float], extra: bool) -> None:
    one, x = adjacency([(0, 0), (3, 1)]), table(2)
    added = [table(2, 1), table(2, 2)] if extra else [None, None]
    options = {"weights": weights, "precision": "float32"}
    horner, layers = (
        [
            module.horner([one], x, added=added, **options),
            module.layers([one], x, noise=None, taps=(), **options)[0],
        ]
        for module in (propagate_cuda, propagate_torch)
    )
    close(horner[0], layers[0])
    close(horner[1], layers[1])
    if weights == (0.0, 0.0):
        unread = torch.full_like(x, torch.nan)
        assert propagate_cuda.horner([one], unread, added=added, **options).isfinite().all()


def test_bfloat16_reads_rounded_rows_and_sums_in_float32() -> None:
    graph, x = [adjacency()] * 2, table(16)
    for noise in (None, NOISE):
        options = {"weights": WEIGHTS, "noise": noise, "taps": (1,)}
        exact = propagate(graph, x, backend="torch", **options)
        got = propagate(graph, x, precision="bfloat16", backend="cuda", **options)
        for one, other in zip(got, exact, strict=True):
            close(one, other, 1e-2)
    # numbers that bfloat16 holds exactly come out exactly: the sums are not rounded
    ones = Adjacency(
        *[getattr(graph[0], name) for name in ("row_start", "column")], *[torch.ones_like(x[:, 0])] * 2
    )
    total = propagate((ones,), torch.ones_like(x), weights=(0.0, 1.0), precision="bfloat16", backend="cuda")
    assert torch.equal(total[:, 0], ones.row_start.diff().float())


def test_other_dtypes_and_no_rows() -> None:
    one = adjacency()
    double = Adjacency(one.row_start, one.column, *[one.left.double()] * 2)
    x = table(3).double()
    for noise in (None, NOISE):
        options = {"weights": WEIGHTS, "noise": noise}
        got = propagate([double] * 2, x, backend="cuda", **options)
        assert torch.equal(got, propagate([double] * 2, x, backend="torch", **options))
    empty = Adjacency(
        *[torch.zeros(size, device=DEVICE).int() for size in (1, 0)], *[torch.zeros(0, device=DEVICE)] * 2
    )
    assert propagate([empty], torch.zeros(0, 3, device=DEVICE), weights=(1.0, 1.0), backend="cuda").shape == (
        0,
        3,
    )


def test_same_bits_again() -> None:
    graph, x = [adjacency()] * 2, table(8)
    first, second = (propagate(graph, x, weights=WEIGHTS, noise=NOISE, backend="cuda") for _ in range(2))
    assert torch.equal(first, second)


def test_the_parts_of_long_rows_are_made_once_and_go_with_their_pattern() -> None:
    one = adjacency()
    parts = propagate_cuda.long_rows(one.row_start)
    assert propagate_cuda.long_rows(one.transpose().row_start) is parts
    assert parts.row.tolist() == [0, 2]
    assert parts.first.tolist() == [0, 3, 5]
    gone = weakref.ref(one.row_start)
    count = len(propagate_cuda._KNOWN)
    del one
    assert gone() is None
    assert len(propagate_cuda._KNOWN) == count - 1


def yelp_like() -> tuple[Adjacency, Tensor]:
    generator = np.random.default_rng(0)
    user = (31_668 * generator.random(1_400_000) ** 2).astype(np.int64)
    item = (38_048 * generator.random(1_400_000) ** 3).astype(np.int64)
    keys = np.unique(user * 38_048 + item)
    layer = build_graph(Interactions(keys // 38_048, keys % 38_048, 31_668, 38_048)).layers[0]
    left = layer.left.to(DEVICE)
    x = torch.randn(len(left), 64, generator=torch.Generator().manual_seed(0)).to(DEVICE)
    return Adjacency(layer.row_start.to(DEVICE), layer.column.to(DEVICE), left, left), x


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
def test_yelp_size() -> None:
    graph, x = yelp_like()
    weights = (0.25,) * 4
    exact = propagate([graph] * 3, x, weights=weights, backend="torch")
    whole = propagate([graph] * 3, x, weights=weights, backend="cuda")
    close(whole, exact, 1e-5)
    close(propagate([graph] * 3, x, weights=weights, precision="bfloat16", backend="cuda"), exact, 1e-2)
    assert torch.equal(whole, propagate([graph] * 3, x, weights=weights, backend="cuda"))
    read = 3 * len(graph.column) * (4 + 4 * 64) + 6 * 4 * x.numel()
    for backend, precision in (("torch", "float32"), ("cuda", "float32"), ("cuda", "bfloat16")):
        spent = milliseconds(
            lambda b=backend, p=precision: propagate([graph] * 3, x, weights=weights, precision=p, backend=b)
        )
        rate = f"{read / spent / 1e6:.0f} GB/s of float32 rows"
        print(f"3 hops, {len(graph.column)} entries, {backend} {precision}: {spent:.3f} ms, {rate}")
