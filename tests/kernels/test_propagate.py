from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.kernels.propagate import hop, propagate
from sgl_rec.types import Adjacency, Interactions
from tests.reference.propagation import dense_adjacency, propagation

# Two users and three items: not square. Item 2 has no edge in the second pattern.
PATTERNS = [[(0, 0), (0, 1), (1, 1), (1, 2)], [(0, 0), (0, 1), (1, 0)], [(1, 2)]]
EXPONENTS = [(0.5, 0.5), (1.0, 0.0), (0.25, 0.6)]
WEIGHTS = [0.1, 0.7, -0.3, 0.4]


def adjacency(pattern: list[tuple[int, int]], exponents: tuple[float, float]) -> Adjacency:
    user, item = np.array(pattern).T
    graph = build_graph(Interactions(user, item, 2, 3), exponents=exponents, dtype=torch.float64)
    return graph.layers[0]


def both(exponents: tuple[float, float], layered: bool) -> tuple[list[Adjacency], list[np.ndarray]]:
    patterns = PATTERNS if layered else [PATTERNS[0]] * 3
    sparse = [adjacency(pattern, exponents) for pattern in patterns]
    return sparse, [dense_adjacency(pattern, 2, 3, exponents) for pattern in patterns]


def table(columns: int = 3) -> Tensor:
    return torch.randn(5, columns, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def constant_noise(layer: int, hidden: Tensor) -> Tensor:
    return torch.full_like(hidden, 0.1 * layer)


@pytest.mark.parametrize("exponents", EXPONENTS)
@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("noisy", [False, True])
def test_equals_the_dense_loop(exponents: tuple[float, float], layered: bool, noisy: bool) -> None:
    sparse, dense = both(exponents, layered)
    x = table()
    noise = [np.full((5, 3), 0.1 * layer) for layer in (1, 2, 3)] if noisy else None
    total, layers = propagation(dense, x.numpy(), WEIGHTS, noise)
    got = propagate(sparse, x, weights=WEIGHTS, noise=constant_noise if noisy else None, taps=(2, 0, 3))
    for one, other in zip(got, [total, layers[2], layers[0], layers[3]], strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("exponents", EXPONENTS[::2])
@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("taps", [(), (3, 0, 2)])
@pytest.mark.parametrize("noise", [None, constant_noise])
def test_gradcheck(exponents: tuple[float, float], layered: bool, taps: tuple[int, ...], noise) -> None:
    sparse, _ = both(exponents, layered)
    x = table(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: propagate(sparse, x, weights=WEIGHTS, taps=taps, noise=noise), (x,))


@pytest.mark.parametrize("exponents", EXPONENTS)
@pytest.mark.parametrize("reached", [(0,), (1,), (0, 1, 2)])
def test_gradient_equals_autograd_over_dense_products(
    exponents: tuple[float, float], reached: tuple[int, ...]
) -> None:
    sparse, matrices = both(exponents, layered=True)
    weigh = torch.randn(3, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    x, y = table().requires_grad_(), table().requires_grad_()
    got = propagate(sparse, x, weights=WEIGHTS, taps=(1, 3))
    layers = [y]
    for matrix in matrices:
        layers.append(torch.from_numpy(matrix) @ layers[-1])
    total = sum(weight * layer for weight, layer in zip(WEIGHTS, layers, strict=True))
    expected = (total, layers[1], layers[3])
    # Outputs that the loss does not reach have no gradient at all.
    sum((weigh[index] * got[index]).sum() for index in reached).backward()
    sum((weigh[index] * expected[index]).sum() for index in reached).backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-12, atol=1e-14)


def test_noise_that_depends_on_the_layer_is_a_constant_to_autograd() -> None:
    sparse, _ = both((0.5, 0.5), layered=False)
    x, y = table().requires_grad_(), table().requires_grad_()
    propagate(sparse, x, weights=WEIGHTS, noise=lambda _, hidden: hidden.sign() * hidden**2).sum().backward()
    propagate(sparse, y, weights=WEIGHTS).sum().backward()
    assert torch.equal(x.grad, y.grad)


def test_isolated_node_has_its_weighted_layer_0() -> None:
    sparse = [adjacency([(1, 2)], (0.5, 0.5))] * 3
    x = table()
    y = propagate(sparse, x, weights=WEIGHTS)
    assert torch.equal(y[[0, 2, 3]], x[[0, 2, 3]] * WEIGHTS[0])


def test_no_layer_and_zero_weights() -> None:
    x = table().requires_grad_()
    assert torch.equal(propagate((), x, weights=(2.0,)), 2 * x)
    zero = propagate([adjacency(PATTERNS[0], (0.5, 0.5))], x, weights=(0.0, 0.0))
    assert not zero.any()
    zero.sum().backward()
    assert x.grad is None or not x.grad.any()


def test_graph_without_edges() -> None:
    empty = Adjacency(torch.zeros(6).int(), torch.zeros(0).int(), *[torch.zeros(5).double()] * 2)
    x = table()
    assert torch.equal(propagate([empty], x, weights=(0.5, 0.5)), 0.5 * x)


@pytest.mark.parametrize("exponents", EXPONENTS)
def test_hop_is_one_product(exponents: tuple[float, float]) -> None:
    one = adjacency(PATTERNS[0], exponents)
    matrix = torch.from_numpy(dense_adjacency(PATTERNS[0], 2, 3, exponents))
    torch.testing.assert_close(hop(one, table()), matrix @ table(), rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(lambda x: hop(one, hop(one, x).tanh()), (table(2).requires_grad_(),))


def test_input_is_left_alone_and_tap_0_is_a_copy() -> None:
    sparse, _ = both((0.5, 0.5), layered=False)
    x = table()
    _, tapped = propagate(sparse, x, weights=WEIGHTS, taps=(0,))
    tapped.zero_()
    assert torch.equal(x, table())


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
