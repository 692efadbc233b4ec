"""``propagate`` by gather and scatter, as message passing is usually written; any device.

Runs on torch-scatter where it is installed, else on torch-geometric's native scatter. It holds a row for every
entry, E x D in all: it is here to be compared with.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Sequence

from torch import Tensor

from sgl_rec.kernels.propagate_torch import gathered_form, horner_by, layers_by
from sgl_rec.types import Adjacency, Noise, Precision


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


@functools.cache
def source() -> str:
    """The module whose scatter runs."""
    return "torch_scatter" if importlib.util.find_spec("torch_scatter") else "torch_geometric.utils"


def _product(adjacency: Adjacency, x: Tensor, precision: Precision) -> Tensor:
    scatter: Callable[..., Tensor] = importlib.import_module(source()).scatter
    messages = gathered_form(adjacency, x, precision).index_select(0, adjacency.column)
    total = scatter(messages, adjacency.row, dim=0, dim_size=adjacency.num_nodes, reduce="sum")
    return total.mul_(adjacency.left[:, None])
