from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.kernels.propagate import hop, propagate
from sgl_rec.types import Adjacency, Interactions, Noise, Precision
from tests.reference.propagation import dense_adjacency, propagation

# Two users and three items: not square. Item 2 has no edge in the second pattern.
PATTERNS = [[(0, 0), (0, 1), (1, 1), (1, 2)], [(0, 0), (0, 1), (1, 0)], [(1, 2)]]
EXPONENTS = [(0.5, 0.5), (1.0, 0.0), (0.25, 0.6)]
WEIGHTS = [0.1, 0.7, -0.3, 0.4]
NOISE = Noise(0.2, key=2**63 + 11)
BACKENDS = ["torch", "cpu", "scatter"]


def adjacency(pattern: list[tuple[int, int]], exponents: tuple[float, float]) -> Adjacency:
    user, item = np.array(pattern).T
    graph = build_graph(Interactions(user, item, 2, 3), exponents=exponents, dtype=torch.float64)
    return graph.layers[0]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def graph_of(num_users: int, num_items: int, pairs: int, **settings: object) -> Adjacency:
    """A random one; its last users and items have no edge."""
    keys = np.unique(np.random.default_rng(0).integers(0, (num_users - 3) * (num_items - 2), pairs))
    interactions = Interactions(keys // (num_items - 2), keys % (num_items - 2), num_users, num_items)
    return build_graph(interactions, **settings).layers[0]


def both(exponents: tuple[float, float], layered: bool) -> tuple[list[Adjacency], list[np.ndarray]]:
    patterns = PATTERNS if layered else [PATTERNS[0]] * 3
    sparse = [adjacency(pattern, exponents) for pattern in patterns]
    return sparse, [dense_adjacency(pattern, 2, 3, exponents) for pattern in patterns]


def table(columns: int = 3) -> Tensor:
    return torch.randn(5, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("exponents", EXPONENTS)
@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("noisy", [False, True])
def test_equals_the_dense_loop(exponents: tuple[float, float], layered: bool, noisy: bool, backend: str) -> None:
    sparse, dense = both(exponents, layered)
    x = table()
    total, layers = propagation(dense, x.numpy(), WEIGHTS, *([NOISE.magnitude, NOISE.key] if noisy else []))
    got = propagate(sparse, x, weights=WEIGHTS, noise=NOISE if noisy else None, taps=(2, 0, 3), backend=backend)
    for one, other in zip(got, [total, layers[2], layers[0], layers[3]], strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("exponents", EXPONENTS[::2])
@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("taps", [(), (3, 0, 2)])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_gradcheck(
    exponents: tuple[float, float], layered: bool, taps: tuple[int, ...], noise: Noise | None, backend: str
) -> None:
    sparse, _ = both(exponents, layered)

    def function(x: Tensor) -> Tensor | tuple[Tensor, ...]:
        return propagate(sparse, x, weights=WEIGHTS, taps=taps, noise=noise, backend=backend)

    assert torch.autograd.gradcheck(function, (table(2).requires_grad_(),))


@pytest.mark.parametrize("exponents", EXPONENTS)
@pytest.mark.parametrize("reached", [(0,), (1,), (0, 1, 2)])
def test_gradient_equals_autograd_over_dense_products(
    exponents: tuple[float, float], reached: tuple[int, ...], backend: str
) -> None:
    sparse, matrices = both(exponents, layered=True)
    weigh = torch.randn(3, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x, y = table().requires_grad_(), table().requires_grad_()
    got = propagate(sparse, x, weights=WEIGHTS, taps=(1, 3), backend=backend)
    layers = [y]
    for matrix in matrices:
        layers.append(torch.from_numpy(matrix) @ layers[-1])
    total = sum(weight * layer for weight, layer in zip(WEIGHTS, layers, strict=True))
    expected = (total, layers[1], layers[3])
    # Outputs that the loss does not reach have no gradient at all.
    sum((weigh[index] * got[index]).sum() for index in reached).backward()
    sum((weigh[index] * expected[index]).sum() for index in reached).backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-12, atol=1e-14)


def test_noise_is_a_constant_to_autograd() -> None:
    sparse, _ = both((0.5, 0.5), layered=False)
    x, y = table().requires_grad_(), table().requires_grad_()
    propagate(sparse, x, weights=WEIGHTS, noise=NOISE).sum().backward()
    propagate(sparse, y, weights=WEIGHTS).sum().backward()
    assert torch.equal(x.grad, y.grad)


@pytest.mark.parametrize("noise", [None, NOISE])
def test_isolated_node_has_its_weighted_layer_0(noise: Noise | None, backend: str) -> None:
    sparse = [adjacency([(1, 2)], (0.5, 0.5))] * 3
    x = table()
    y = propagate(sparse, x, weights=WEIGHTS, noise=noise, backend=backend)
    assert torch.equal(y[[0, 2, 3]], x[[0, 2, 3]] * WEIGHTS[0])


def test_no_layer_and_zero_weights(backend: str) -> None:
    x = table().requires_grad_()
    assert torch.equal(propagate((), x, weights=(2.0,), backend=backend), 2 * x)
    zero = propagate([adjacency(PATTERNS[0], (0.5, 0.5))], x, weights=(0.0, 0.0), backend=backend)
    assert not zero.any()
    zero.sum().backward()
    assert x.grad is None or not x.grad.any()


def test_graph_without_edges(backend: str) -> None:
    empty = Adjacency(torch.zeros(6).int(), torch.zeros(0).int(), *[torch.zeros(5).double()] * 2)
    x = table()
    assert torch.equal(propagate([empty], x, weights=(0.5, 0.5), backend=backend), 0.5 * x)


@pytest.mark.parametrize("exponents", EXPONENTS)
def test_hop_is_one_product(exponents: tuple[float, float], backend: str) -> None:
    one = adjacency(PATTERNS[0], exponents)
    matrix = torch.from_numpy(dense_adjacency(PATTERNS[0], 2, 3, exponents))
    torch.testing.assert_close(hop(one, table(), backend=backend), matrix @ table(), rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(
        lambda x: hop(one, hop(one, x, backend=backend).tanh(), backend=backend), (table(2).requires_grad_(),)
    )


@pytest.mark.parametrize("layers", [0, 3])
def test_input_is_left_alone_and_outputs_are_new(layers: int, backend: str) -> None:
    sparse = both((0.5, 0.5), layered=False)[0][:layers]
    x = table()
    first = propagate(sparse, x, weights=WEIGHTS[: layers + 1], taps=(0, layers)[: layers + 1], backend=backend)
    kept = [one.clone() for one in first]
    for other in propagate(sparse, x + 1, weights=WEIGHTS[: layers + 1], taps=(0,), backend=backend):
        other.zero_()
    assert torch.equal(x, table())
    assert all(torch.equal(one, other) for one, other in zip(first, kept, strict=True))


WIDTHS = [1, 3, 16, 64, 65, 130]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("noise", [None, NOISE])
@pytest.mark.parametrize("taps", [(), (2, 1)])
def test_float32_equals_float64(width: int, noise: Noise | None, taps: tuple[int, ...], backend: str) -> None:
    exact, whole = (graph_of(70, 50, 900, exponents=(0.4, 0.7), dtype=dtype) for dtype in DTYPES)
    x = torch.randn(120, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = values_and_gradient(exact, x, "torch", noise=noise, taps=taps)
    got = values_and_gradient(whole, x.float(), backend, noise=noise, taps=taps)
    for one, other in zip(got, expected, strict=True):
        assert distance(one, other) <= 1e-6


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("taps", [(), (2, 1)])
def test_bfloat16_reads_rounded_rows(width: int, taps: tuple[int, ...], backend: str) -> None:
    adjacency = graph_of(70, 50, 900, exponents=(0.4, 0.7))
    x = torch.randn(120, width, generator=torch.Generator().manual_seed(0))
    whole = values_and_gradient(adjacency, x, "torch", taps=taps)
    expected = values_and_gradient(adjacency, x, "torch", taps=taps, precision="bfloat16")
    got = values_and_gradient(adjacency, x, backend, taps=taps, precision="bfloat16")
    for one, rounded, exact in zip(got, expected, whole, strict=True):
        # A sum in another order falls, now and then, on the other side of a rounding.
        assert distance(one, rounded) <= 5e-4
        assert 1e-4 < distance(one, exact) < 1e-2


@pytest.mark.parametrize(("precision", "close"), [("float32", 1e-6), ("bfloat16", 5e-3)])
@pytest.mark.parametrize("noise", [None, NOISE])
@pytest.mark.parametrize("taps", [(), (2, 1)])
def test_a_graph_for_each_layer(
    noise: Noise | None, taps: tuple[int, ...], precision: Precision, close: float, backend: str
) -> None:
    """Each hop hands the next one rows in the form that the next one's graph asks for."""
    layers = [graph_of(70, 50, edges, exponents=(0.4, 0.7)) for edges in (900, 300, 1500)]
    assert len({float(layer.right.sum()) for layer in layers}) == 3
    x = torch.randn(120, 33, generator=torch.Generator().manual_seed(0))
    expected = values_and_gradient(layers, x, "torch", noise=noise, taps=taps, precision=precision)
    got = values_and_gradient(layers, x, backend, noise=noise, taps=taps, precision=precision)
    for one, other in zip(got, expected, strict=True):
        assert distance(one, other) <= close


def test_arrays_that_are_not_contiguous_are_refused(backend: str) -> None:
    whole = adjacency(PATTERNS[0], (0.5, 0.5))
    scale = torch.full((1,), 0.5, dtype=torch.float64).expand(5)
    with pytest.raises(UserError, match="arrays of an adjacency must be contiguous"):
        propagate([replace(whole, left=scale)], table(), weights=(0.0, 1.0), backend=backend)


def test_bfloat16_leaves_float64_whole(backend: str) -> None:
    sparse, _ = both((0.5, 0.5), layered=True)
    whole = propagate(sparse, table(), weights=WEIGHTS, backend=backend)
    assert torch.equal(propagate(sparse, table(), weights=WEIGHTS, backend=backend, precision="bfloat16"), whole)


DTYPES = (torch.float64, torch.float32)


def values_and_gradient(
    adjacency: Adjacency | list[Adjacency],
    x: Tensor,
    backend: str,
    *,
    noise: Noise | None = None,
    taps: tuple[int, ...] = (),
    precision: Precision = "float32",
) -> list[Tensor]:
    x = x.clone().requires_grad_()
    layers = adjacency if isinstance(adjacency, list) else [adjacency] * 3
    got = propagate(layers, x, weights=WEIGHTS, noise=noise, taps=taps, precision=precision, backend=backend)
    outputs = [*got] if taps else [got]
    sum((one.cos().detach() * one).sum() for one in outputs).backward()
    return [*(one.detach() for one in outputs), x.grad]


def distance(one: Tensor, other: Tensor) -> float:
    return float((one.double() - other.double()).norm() / other.double().norm())


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_the_number_of_threads_does_not_change_a_bit(noise: Noise | None, precision: Precision) -> None:
    adjacency = graph_of(300, 500, 20_000)
    x = torch.randn(800, 64, generator=torch.Generator().manual_seed(0))
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(values_and_gradient(adjacency, x, "cpu", noise=noise, precision=precision))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_rows_that_are_not_contiguous(backend: str) -> None:
    sparse, _ = both((0.5, 0.5), layered=False)
    wide = table(6)
    x, y = wide.clone().requires_grad_(), wide[:, ::2].clone().requires_grad_()
    for one, columns in ((x, x[:, ::2]), (y, y)):
        total = propagate(sparse, columns, weights=WEIGHTS, backend=backend)
        total.sum().backward()  # whose gradient is one number, expanded
        assert one.grad is not None
    assert torch.equal(x.grad[:, ::2], y.grad)


def test_a_weight_of_zero_reads_nothing(backend: str) -> None:
    sparse = [adjacency([(1, 2)], (0.5, 0.5))] * 3
    x = table()
    x[0] = torch.nan  # isolated: in no sum but its own
    for noise in (None, NOISE):
        y = propagate(sparse, x, weights=(0.0, 0.5, 0.0, 0.5), noise=noise, backend=backend)
        assert y.isfinite().all()
        assert not y[0].any()
    assert hop(sparse[0], x, backend=backend).isfinite().all()


@pytest.mark.parametrize("taps", [(), (1,)])
def test_what_is_saved_does_not_grow_with_the_layers(taps: tuple[int, ...], backend: str) -> None:
    adjacency, saved, alive = graph_of(70, 50, 900), [], []
    x = torch.randn(120, 7, requires_grad=True)

    def packed(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    for layers in (1, 6):
        with torch.autograd.graph.saved_tensors_hooks(packed, lambda tensor: tensor):
            total = propagate([adjacency] * layers, x, weights=[1.0] * (layers + 1), taps=taps, backend=backend)
        gc.collect()
        alive.append(sum(type(one) is Tensor and one.shape == x.shape for one in gc.get_objects()))
        assert total is not None
        del total
    assert not saved
    assert alive[0] == alive[1]


def test_same_bits_again() -> None:
    generator = np.random.default_rng(0)
    keys = np.unique(generator.integers(0, 300 * 500, 20_000))
    graph = build_graph(Interactions(keys // 500, keys % 500, 300, 500))
    results = []
    for _ in range(5):
        x = torch.randn(800, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
        y = propagate(graph.layers * 3, x, weights=WEIGHTS)
        y.square().sum().backward()
        results.append((y.detach(), x.grad))
    assert all(torch.equal(y, results[0][0]) and torch.equal(g, results[0][1]) for y, g in results)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0]}, "weights must be 4 numbers, got 1"),
        ({"taps": (4,)}, r"taps must be distinct layers in 0 .. 3, got \[4\]"),
        ({"taps": (1, 1)}, "taps must be distinct"),
        ({"x": torch.zeros(4, 3)}, "x must be of 5 rows"),
        ({"noise": Noise(-0.1, 0)}, "magnitude must be at least 0, got -0.1"),
        ({"precision": "float16"}, "precision must be one of float32, bfloat16, got 'float16'"),
        ({"x": table().float()}, "x must be of the adjacencies' torch.float64, got torch.float32"),
        ({"backend": "tortch"}, "did you mean 'torch'"),
    ],
)
def test_refuses(change: dict[str, object], message: str) -> None:
    sparse, _ = both((0.5, 0.5), layered=False)
    arguments = {"x": table(), "weights": WEIGHTS} | change
    with pytest.raises(UserError, match=message):
        propagate(sparse, **arguments)


def test_no_warning_reaches_the_user() -> None:
    # In a process of its own: PyTorch warns of its CSR tensors once in a process.
    code = (
        "import torch, warnings; warnings.simplefilter('error')\n"
        "from sgl_rec.types import Adjacency; from sgl_rec.kernels.propagate import hop\n"
        "one = torch.ones(2)\n"
        "print(hop(Adjacency(torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int(), one, one), one[:, None]))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hop(adjacency(PATTERNS[0], (0.5, 0.5)), table())
