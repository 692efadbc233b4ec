"""The view of SimGCL and XSimGCL: the whole graph, and noise in every layer that is propagated on it."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from sgl_rec.errors import must_be
from sgl_rec.rng import draw_key
from sgl_rec.types import Graph, Noise


def noise(graph: Graph, *, magnitude: float, generator: torch.Generator) -> Graph:
    r"""The same edges; an encoder adds a random step to every node in every layer.

    .. math:: h' = h + \epsilon \, \mathrm{sign}(h) \odot \frac{u}{\lVert u \rVert},\quad u_d \sim U(0, 1)

    The numbers are drawn where the layer is computed, from the key that is drawn here; a view must be redrawn
    at every step to have fresh ones. An isolated node's layers stay zero.

    Args:
        magnitude: :math:`\epsilon`, the length of the step, finite and at least 0.

    Raises: UserError for a magnitude that is not.

    Example:
        >>> import numpy as np
        >>> from sgl_rec.graph.build import build_graph
        >>> from sgl_rec.types import Interactions
        >>> graph = build_graph(Interactions(np.array([0, 1]), np.array([2, 0]), num_users=2, num_items=3))
        >>> noise(graph, magnitude=0.1, generator=torch.Generator()).noise.magnitude
        0.1

    Reference: Yu et al., "Are Graph Augmentations Necessary? Simple Graph Contrastive Learning for
    Recommendation" (SIGIR 2022). Difference: zero is not drawn (``kernels.noise``).
    """
    if not 0 <= magnitude < math.inf:
        raise must_be("noise", "magnitude", "finite and at least 0", magnitude)
    return replace(graph, noise=Noise(magnitude, draw_key(generator)))
