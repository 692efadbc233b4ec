"""The keys of earlier batches (MoCo): first in, first out."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sgl_rec.errors import must_be
from sgl_rec.kernels.contrast import unit_rows
from sgl_rec.losses.inputs import check_width


class Queue(nn.Module):
    """The last K keys. Its state is checkpointed with the module; nothing in it gets a gradient.

    Args:
        size: K, at least 1; batches need not divide it.
        embedding_dim: D, the width of the keys.
        generator: draws what the queue begins with, uniform on the sphere.

    Raises: UserError for a size below 1.

    Example:
        >>> queue = Queue(size=3, embedding_dim=1, generator=torch.Generator().manual_seed(0))
        >>> queue.enqueue(torch.tensor([[10.0], [20.0]]))
        >>> queue.enqueue(torch.tensor([[30.0], [40.0]]))  # takes the place of the random one, and of 10
        >>> queue.rows.T
        tensor([[40., 20., 30.]])

    Reference: He et al. 2020 (arXiv:1911.05722), algorithm 1. Different: its code wants batches that divide K.
    """

    rows: Tensor
    position: Tensor

    def __init__(self, *, size: int, embedding_dim: int, generator: torch.Generator) -> None:
        super().__init__()
        for name, value in (("size", size), ("embedding_dim", embedding_dim)):
            if value < 1:
                raise must_be("Queue", name, "at least 1", value)
        start = torch.randn(size, embedding_dim, generator=generator, device=generator.device)
        self.register_buffer("rows", unit_rows(start))
        self.register_buffer("position", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def enqueue(self, key: Float[Tensor, "B D"]) -> None:
        """Put keys in the places of the oldest ones; of more than K the last K stay.

        Raises: UserError for keys of another width.
        """
        size = len(self.rows)
        check_width("Queue", "key", key, self.rows.shape[1])
        place = (self.position + torch.arange(len(key), device=self.rows.device)) % size
        self.rows.index_copy_(0, place[-size:], key[-size:].to(self.rows))
        self.position.add_(len(key)).remainder_(size)
