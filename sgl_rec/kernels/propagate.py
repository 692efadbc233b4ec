"""Y = sum_k w_k A_k ... A_1 X: linear propagation over a graph, and the one hop it is made of."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from sgl_rec.errors import must_be
from sgl_rec.kernels.backend import choose
from sgl_rec.types import Adjacency

Noise: TypeAlias = Callable[[int, Tensor], Tensor]


def propagate(
    adjacencies: Sequence[Adjacency],
    x: Float[Tensor, "N D"],
    *,
    weights: Sequence[float],
    noise: Noise | None = None,
    taps: Sequence[int] = (),
    backend: str = "auto",
) -> Float[Tensor, "N D"] | tuple[Float[Tensor, "N D"], ...]:
    r"""The weighted sum of x and its L propagated layers.

    .. math:: Y = \sum_{k=0}^{L} w_k H_k,\quad H_0 = X,\quad H_k = A_k H_{k-1} + \epsilon_k(H_k)

    The backward is Horner's rule on the transposes, with the gradient of a tapped layer joining where that
    layer is reached, so that nothing is saved for a layer:

    .. math:: g_L = w_L G + T_L,\quad g_{k-1} = A_k^\top g_k + w_{k-1} G + T_{k-1}

    Args:
        adjacencies: A_1 .. A_L, which may be one object L times.
        x: in the adjacencies' dtype, on their device.
        weights: w_0 .. w_L.
        noise: called as ``noise(k, A_k H_(k-1))`` for k = 1 .. L; what it returns is added to the layer and is a
            constant to autograd.
        taps: distinct layers in 0 .. L to return beside Y.
        backend: "auto" or a name known to `sgl_rec.kernels.backend`.

    Returns: Y, or with taps the tuple (Y, H_tap, ...) in the order of ``taps``.

    Raises: UserError when the lengths, a tap or the shape of x do not fit.

    Example:
        >>> edge = Adjacency(torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int(), *[torch.ones(2)] * 2)
        >>> propagate([edge, edge], torch.tensor([[1.0], [3.0]]), weights=(1, 10, 100)).tolist()
        [[131.0], [313.0]]

    Reference: He et al., "LightGCN" (SIGIR 2020), eqs. 3, 4 and 8; noise as in SimGCL (Yu et al., SIGIR 2022)
    and taps as in XSimGCL (Yu et al., TKDE 2023). Differences: each layer may have its own adjacency and its own
    normalisation.
    """
    if len(weights) != len(adjacencies) + 1:
        raise must_be("propagate", "weights", f"{len(adjacencies) + 1} numbers", len(weights))
    if len(set(taps) & set(range(len(adjacencies) + 1))) != len(taps):
        raise must_be("propagate", "taps", f"distinct layers in 0 .. {len(adjacencies)}", list(taps))
    if any(adjacency.num_nodes != len(x) for adjacency in adjacencies):
        raise must_be("propagate", "x", f"of {adjacencies[0].num_nodes} rows", tuple(x.shape))
    product = _PRODUCTS[choose(backend, x.device)]
    arguments = x, tuple(adjacencies), tuple(weights), noise, tuple(taps), product
    outputs: tuple[Tensor, ...] = _Propagate.apply(*arguments)  # type: ignore[no-untyped-call]
    return outputs if taps else outputs[0]


def hop(adjacency: Adjacency, x: Float[Tensor, "N D"], *, backend: str = "auto") -> Float[Tensor, "N D"]:
    r"""One differentiable product, for encoders that are not linear between layers.

    .. math:: Y = A X = \mathrm{diag}(l)\, P\, \mathrm{diag}(r)\, X

    Args:
        x: in the adjacency's dtype, on its device.

    Raises: UserError when the shape of x does not fit.

    Example:
        >>> edge = Adjacency(torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int(), *[torch.ones(2)] * 2)
        >>> hop(edge, torch.tensor([[1.0], [3.0]])).tolist()
        [[3.0], [1.0]]
    """
    result = propagate((adjacency,), x, weights=(0.0, 1.0), backend=backend)
    assert isinstance(result, Tensor)
    return result


class _Propagate(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        adjacencies: tuple[Adjacency, ...],
        weights: tuple[float, ...],
        noise: Noise | None,
        taps: tuple[int, ...],
        product: _Product,
    ) -> tuple[Tensor, ...]:
        ctx.adjacencies, ctx.weights, ctx.taps, ctx.product = adjacencies, weights, taps, product
        ctx.set_materialize_grads(False)
        layer = x
        total = _add(None, x, weights[0])
        # An output must not be the input itself, hence the copy of a tapped layer 0.
        tapped = {0: x.clone()} if 0 in taps else {}
        for index, adjacency in enumerate(adjacencies, start=1):
            layer = product(adjacency, layer)
            if noise is not None:
                layer = layer + noise(index, layer)
            total = _add(total, layer, weights[index])
            if index in taps:
                tapped[index] = layer
        return (torch.zeros_like(x) if total is None else total, *(tapped[tap] for tap in taps))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        whole, *tapped = gradients
        running: Tensor | None = None
        for index in range(len(ctx.adjacencies), -1, -1):
            running = _add(running, whole, ctx.weights[index])
            for tap, gradient in zip(ctx.taps, tapped, strict=True):
                if tap == index:
                    running = _add(running, gradient, 1.0)
            if index > 0 and running is not None:
                running = ctx.product(ctx.adjacencies[index - 1].transpose(), running)
        return (running, None, None, None, None, None)


def _add(total: Tensor | None, term: Tensor | None, weight: float) -> Tensor | None:
    """``total + weight * term``, in place on ``total``; None stands for zero."""
    if term is None or weight == 0:
        return total
    return term * weight if total is None else total.add_(term, alpha=weight)


_Product: TypeAlias = Callable[[Adjacency, Tensor], Tensor]


def _torch_product(adjacency: Adjacency, x: Tensor) -> Tensor:
    """``left * (P @ (right * x))`` with PyTorch's CSR product; a new tensor."""
    _spend_csr_warning()
    size = (adjacency.num_nodes, adjacency.num_nodes)
    # Making the tensor takes microseconds without the checks, so that there is no need to keep it.
    pattern = torch.sparse_csr_tensor(
        adjacency.row_start, adjacency.column, adjacency.ones, size=size, check_invariants=False
    )
    return (pattern @ (x * adjacency.right[:, None])).mul_(adjacency.left[:, None])


@functools.cache
def _spend_csr_warning() -> None:
    """PyTorch warns once in a process that its CSR tensors are in beta; the user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1))


_PRODUCTS: dict[str, _Product] = {"torch": _torch_product}
