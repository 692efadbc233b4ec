r"""Y = sum_k w_k A_k ... A_1 X: linear propagation over a graph, and the one hop it is made of.

A backend is a module ``propagate_<name>.py`` with two functions, neither of which knows autograd:

* ``horner(adjacencies, x, *, weights, added, precision)`` returns the last of

  .. math:: y_0 = w_0 X + B_0,\quad y_k = A_k y_{k-1} + w_k X + B_k

  where ``added[k]`` is B_k, or None for zero. It is the whole backward (adjacencies transposed, last one first;
  ``added`` holds the gradients of taps), and the forward over one repeated adjacency without noise and taps.
* ``layers(adjacencies, x, *, weights, noise, taps, precision)`` returns (Y, H_tap, ...) of ``propagate``: the
  forward of all other cases. ``noise`` has a magnitude above 0, if it is there.

Both get at least one adjacency, contiguous tensors of one floating dtype on one device, and return fresh tensors.
A weight of 0 means that x is not read. The definition of both is ``propagate_torch``. A backend may keep
intermediates in whatever form its next gather reads (rows already multiplied by the next ``right``; with
``precision="bfloat16"``, which comes with float32 tensors only, exactly these products are rounded to bfloat16,
to nearest even) and sums in x's dtype. Noise has one definition for all: ``unit_noise`` in ``kernels.noise``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from sgl_rec.errors import must_be
from sgl_rec.kernels.backend import choose
from sgl_rec.types import Adjacency, Noise, Precision

_HAVING = ("cpu", "cuda", "torch", "scatter")


class Backend(Protocol):
    """What a module ``propagate_<backend>.py`` holds; see above."""

    def horner(
        self,
        adjacencies: Sequence[Adjacency],
        x: Tensor,
        *,
        weights: Sequence[float],
        added: Sequence[Tensor | None],
        precision: Precision,
    ) -> Tensor: ...

    def layers(
        self,
        adjacencies: Sequence[Adjacency],
        x: Tensor,
        *,
        weights: Sequence[float],
        noise: Noise | None,
        taps: Sequence[int],
        precision: Precision,
    ) -> tuple[Tensor, ...]: ...


def propagate(
    adjacencies: Sequence[Adjacency],
    x: Float[Tensor, "N D"],
    *,
    weights: Sequence[float],
    noise: Noise | None = None,
    taps: Sequence[int] = (),
    precision: Precision = "float32",
    backend: str = "auto",
) -> Float[Tensor, "N D"] | tuple[Float[Tensor, "N D"], ...]:
    r"""The weighted sum of x and its L propagated layers.

    .. math:: Y = \sum_{k=0}^{L} w_k H_k,\quad H_0 = X,\quad H_k = P_k + \epsilon_k(P_k),\quad P_k = A_k H_{k-1}

    With noise each row of a layer takes a step of one length into its own orthant, in a direction drawn anew:

    .. math:: \epsilon_k(P) = m\, \mathrm{sign}(P) \odot u / |u|,\quad u \sim U(0, 1)^D

    The sign of 0 is 0: an isolated node stays where it is.

    The backward is Horner's rule on the transposes, with the gradient of a tapped layer joining where that
    layer is reached, so that nothing is saved for a layer:

    .. math:: g_L = w_L G + T_L,\quad g_{k-1} = A_k^\top g_k + w_{k-1} G + T_{k-1}

    Args:
        adjacencies: A_1 .. A_L, which may be one object L times.
        x: in the adjacencies' dtype, on their device.
        weights: w_0 .. w_L.
        noise: of every layer k = 1 .. L, drawn by (key, k, row, column); a constant to autograd.
        taps: distinct layers in 0 .. L to return beside Y.
        precision: "bfloat16" reads the rows of every product, forward and backward, rounded to 16 bits, where x
            is float32 (float64 stays whole); sums are in x's dtype.
        backend: "auto" or a name known to `sgl_rec.kernels.backend`.

    Returns: Y, or with taps the tuple (Y, H_tap, ...) in the order of ``taps``.

    Raises: UserError when the lengths, a tap, or the shape or dtype of x do not fit, or noise has a negative
        magnitude.

    Example:
        >>> edge = Adjacency(torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int(), *[torch.ones(2)] * 2)
        >>> propagate([edge, edge], torch.tensor([[1.0], [3.0]]), weights=(1, 10, 100)).tolist()
        [[131.0], [313.0]]

    Reference: He et al., "LightGCN" (SIGIR 2020), eqs. 3, 4 and 8; noise as in SimGCL (Yu et al., SIGIR 2022,
    whose magnitude is epsilon) and taps as in XSimGCL (Yu et al., TKDE 2023). Differences: each
    layer may have its own adjacency and its own normalisation; zero is not drawn for u.
    """
    _check(adjacencies, x, weights, noise, taps, precision)
    if noise is not None and noise.magnitude == 0:
        noise = None
    name = choose(backend, x.device, having=_HAVING)
    precision = precision if x.dtype == torch.float32 else "float32"
    call = _Call(tuple(adjacencies), tuple(weights), noise, tuple(taps), precision, name)
    outputs: tuple[Tensor, ...] = _Propagate.apply(x, call)  # type: ignore[no-untyped-call]
    return outputs if taps else outputs[0]


def hop(
    adjacency: Adjacency, x: Float[Tensor, "N D"], *, precision: Precision = "float32", backend: str = "auto"
) -> Float[Tensor, "N D"]:
    r"""One differentiable product, for encoders that are not linear between layers.

    .. math:: Y = A X = \mathrm{diag}(l)\, P\, \mathrm{diag}(r)\, X

    Args:
        x: in the adjacency's dtype, on its device.
        precision: as in ``propagate``.

    Raises: UserError when the shape or dtype of x does not fit.

    Example:
        >>> edge = Adjacency(torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int(), *[torch.ones(2)] * 2)
        >>> hop(edge, torch.tensor([[1.0], [3.0]])).tolist()
        [[3.0], [1.0]]
    """
    result = propagate((adjacency,), x, weights=(0.0, 1.0), precision=precision, backend=backend)
    assert isinstance(result, Tensor)
    return result


@dataclass(frozen=True, eq=False)
class _Call:
    """What one call of ``propagate`` asks for, beside x."""

    adjacencies: tuple[Adjacency, ...]
    weights: tuple[float, ...]
    noise: Noise | None
    taps: tuple[int, ...]
    precision: Precision
    backend: str

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        if not self.adjacencies:
            # An output must not be the input itself, hence the copy of a tapped layer 0.
            return (x * self.weights[0], *(x.clone() for _ in self.taps))
        if self.taps or self.noise is not None or any(one is not self.adjacencies[0] for one in self.adjacencies):
            return _backend(self.backend).layers(
                self.adjacencies,
                x,
                weights=self.weights,
                noise=self.noise,
                taps=self.taps,
                precision=self.precision,
            )
        nothing = [None] * len(self.weights)
        total = self._horner(self.adjacencies, x, self.weights[::-1], nothing)
        return (torch.zeros_like(x) if total is None else total,)

    def backward(self, whole: Tensor | None, tapped: Sequence[Tensor | None]) -> Tensor | None:
        added: list[Tensor | None] = [None] * len(self.weights)
        for tap, gradient in zip(self.taps, tapped, strict=True):
            added[tap] = gradient
        transposed = [adjacency.transpose() for adjacency in self.adjacencies]
        return self._horner(transposed[::-1], whole, self.weights[::-1], added[::-1])

    def _horner(
        self,
        adjacencies: Sequence[Adjacency],
        x: Tensor | None,
        weights: Sequence[float],
        added: Sequence[Tensor | None],
    ) -> Tensor | None:
        """Horner's rule from the first start that is not zero; None where all of it is."""
        if x is None:
            x, weights = next((one for one in added if one is not None), None), (0.0,) * len(weights)
        first = 0
        while first < len(weights) and weights[first] == 0 and added[first] is None:
            first += 1
        if first == len(weights) or x is None:
            return None
        adjacencies, weights, added = adjacencies[first:], weights[first:], added[first:]
        if not adjacencies:
            start = x * weights[0]
            return start if added[0] is None else start.add_(added[0])
        return _backend(self.backend).horner(
            adjacencies,
            x.contiguous(),
            weights=weights,
            added=[None if one is None else one.contiguous() for one in added],
            precision=self.precision,
        )


class _Propagate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, call: _Call) -> tuple[Tensor, ...]:
        ctx.call = call
        ctx.set_materialize_grads(False)
        return call.forward(x.contiguous())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None]:
        return ctx.call.backward(gradients[0], gradients[1:]), None


def _backend(name: str) -> Backend:
    return cast(Backend, importlib.import_module(f"sgl_rec.kernels.propagate_{name}"))


def _check(
    adjacencies: Sequence[Adjacency],
    x: Tensor,
    weights: Sequence[float],
    noise: Noise | None,
    taps: Sequence[int],
    precision: str,
) -> None:
    if len(weights) != len(adjacencies) + 1:
        raise must_be("propagate", "weights", f"{len(adjacencies) + 1} numbers", len(weights))
    if len(set(taps) & set(range(len(adjacencies) + 1))) != len(taps):
        raise must_be("propagate", "taps", f"distinct layers in 0 .. {len(adjacencies)}", list(taps))
    if any(adjacency.num_nodes != len(x) for adjacency in adjacencies):
        raise must_be("propagate", "x", f"of {adjacencies[0].num_nodes} rows", tuple(x.shape))
    if any(adjacency.left.dtype != x.dtype for adjacency in adjacencies):
        raise must_be("propagate", "x", f"of the adjacencies' {adjacencies[0].left.dtype}", x.dtype)
    for adjacency in adjacencies:
        parts = adjacency.row_start, adjacency.column, adjacency.left, adjacency.right
        if not all(part.is_contiguous() for part in parts):
            raise must_be("propagate", "arrays of an adjacency", "contiguous", "views", "copy them")
    if noise is not None and noise.magnitude < 0:
        raise must_be("propagate", "noise.magnitude", "at least 0", noise.magnitude)
    if precision not in get_args(Precision):
        raise must_be("propagate", "precision", f"one of {', '.join(get_args(Precision))}", repr(precision))
