"""``propagate`` in plain PyTorch: the definition of the other backends, on any device."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from sgl_rec.kernels.noise import layer_key, unit_noise
from sgl_rec.types import Adjacency, Noise, Precision

Product: TypeAlias = Callable[[Adjacency, Tensor, Precision], Tensor]
"""(A, X, precision) -> A X, a new tensor."""


def horner(
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    added: Sequence[Tensor | None],
    precision: Precision,
) -> Tensor:
    """y_0 = w_0 X + B_0, then y_k = A_k y_(k-1) + w_k X + B_k; the last one."""
    return horner_by(_product, adjacencies, x, weights=weights, added=added, precision=precision)


def layers(
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    noise: Noise | None,
    taps: Sequence[int],
    precision: Precision,
) -> tuple[Tensor, ...]:
    """(sum_k w_k H_k, H_tap, ...), layer by layer."""
    return layers_by(_product, adjacencies, x, weights=weights, noise=noise, taps=taps, precision=precision)


def horner_by(
    product: Product,
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    added: Sequence[Tensor | None],
    precision: Precision,
) -> Tensor:
    """``horner`` over somebody's product."""
    running = _scaled(x, weights[0])
    if added[0] is not None:
        running.add_(added[0])
    for adjacency, weight, extra in zip(adjacencies, weights[1:], added[1:], strict=True):
        running = product(adjacency, running, precision)
        if weight != 0:
            running.add_(x, alpha=weight)
        if extra is not None:
            running.add_(extra)
    return running


def layers_by(
    product: Product,
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    *,
    weights: Sequence[float],
    noise: Noise | None,
    taps: Sequence[int],
    precision: Precision,
) -> tuple[Tensor, ...]:
    """``layers`` over somebody's product."""
    layer, total = x, _scaled(x, weights[0])
    # An output must not be the input itself, hence the copy of a tapped layer 0.
    tapped = {0: x.clone()} if 0 in taps else {}
    for index, adjacency in enumerate(adjacencies, start=1):
        layer = product(adjacency, layer, precision)
        if noise is not None:
            step = unit_noise(layer_key(noise, index), *layer.shape, dtype=layer.dtype, device=layer.device)
            layer.addcmul_(layer.sign(), step, value=noise.magnitude)
        if weights[index] != 0:
            total.add_(layer, alpha=weights[index])
        if index in taps:
            tapped[index] = layer
    return (total, *(tapped[tap] for tap in taps))


def gathered_form(adjacency: Adjacency, x: Tensor, precision: Precision) -> Tensor:
    """The rows that a product reads: multiplied by ``right``, and at bfloat16 rounded to it; in x's dtype."""
    rows = x * adjacency.right[:, None]
    return rows.bfloat16().to(x.dtype) if precision == "bfloat16" else rows


def _product(adjacency: Adjacency, x: Tensor, precision: Precision) -> Tensor:
    """``left * (P @ (right * x))`` with PyTorch's CSR product."""
    _spend_csr_warning()
    size = (adjacency.num_nodes, adjacency.num_nodes)
    # Making the tensor takes microseconds without the checks, so that there is no need to keep it.
    pattern = torch.sparse_csr_tensor(
        adjacency.row_start, adjacency.column, adjacency.ones, size=size, check_invariants=False
    )
    return (pattern @ gathered_form(adjacency, x, precision)).mul_(adjacency.left[:, None])


def _scaled(x: Tensor, weight: float) -> Tensor:
    """A new tensor; x is not read where the weight is 0, whatever it holds."""
    return torch.zeros_like(x) if weight == 0 else x * weight


@functools.cache
def _spend_csr_warning() -> None:
    """PyTorch warns once in a process that its CSR tensors are in beta; the user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1))
