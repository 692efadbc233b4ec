"""The K best items of each row of scores: exact, descending, ties to the lower item index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from sgl_rec.errors import UserError, must_be
from sgl_rec.kernels import top_k_torch
from sgl_rec.kernels.backend import choose

if TYPE_CHECKING:
    from sgl_rec.kernels import top_k_cpu

HAVING = ("cpu", "torch")

BYTES_PER_PLACE = 80
"""What selection holds for each place of a list: values and indices of topk, of two sorts, and the result."""

BYTES_PER_SEEN = 48
"""What masking holds for each seen pair: row, offset, item, and the temporaries between them."""

BYTES_PER_MENDED = 12
"""What selection holds for each score of the rows it mends together: one at least, or a part of the block."""

_CACHED_BYTES = 8 * 2**20
"""On the CPU a block of scores beyond this leaves the cache between its product and its selection."""


def top_k(
    scores: Float[Tensor, "B I"], k: int, *, backend: str = "auto"
) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
    r"""The k highest scores of each row, descending; of equal scores the lower item index comes first.

    An item that scores -inf is no candidate: where a row has fewer than k candidates (or the catalogue fewer
    than k items) the list ends in item -1 with score -inf. +inf is an ordinary, highest score.

    Args:
        scores: any floating dtype; not changed.
        k: length of the lists, at least 1.
        backend: "auto" or a name of ``kernels.backend``.

    Returns: (items, scores), both of shape (B, k).

    Raises: UserError for a k below 1, and for scores that are not a number (the model has diverged).

    Example:
        >>> items, best = top_k(torch.tensor([[1.0, 3.0, 3.0, float("-inf")]]), 4)
        >>> items.tolist(), best.tolist()
        ([[1, 2, 0, -1]], [[3.0, 3.0, 1.0, -inf]])
    """
    none = torch.empty(0, dtype=torch.int64)
    return top_k_masked(scores, k=k, seen_row=none, seen_item=none, backend=backend)


@torch.no_grad()
def top_k_masked(
    scores: Float[Tensor, "B I"],
    *,
    k: int,
    seen_row: Int64[Tensor, " P"],
    seen_item: Int64[Tensor, " P"],
    allowed: Bool[Tensor, " I"] | None = None,
    backend: str = "auto",
) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
    """``top_k`` of the scores that are allowed and not seen; the others become -inf **in place**.

    Example:
        >>> scores = torch.tensor([[5.0, 4.0, 3.0]])
        >>> top_k_masked(scores, k=2, seen_row=torch.tensor([0]), seen_item=torch.tensor([0]))[0].tolist()
        [[1, 2]]
    """
    _check_k(k)
    chosen = choose(backend, scores.device, having=HAVING)
    if scores.numel() == 0:
        items = torch.full((len(scores), k), -1, dtype=torch.int64, device=scores.device)
        return items, torch.full((len(scores), k), -torch.inf, dtype=scores.dtype, device=scores.device)
    if chosen == "cpu" and scores.dtype == torch.float32 and scores.is_contiguous():
        from sgl_rec.kernels import top_k_cpu

        hidden = top_k_cpu.Hidden.build(
            (len(scores), scores.shape[1]), seen_row=seen_row, seen_item=seen_item, allowed=allowed
        )
        lists = top_k_cpu.select(scores.detach(), k=k, hidden=hidden)
    else:
        scores[seen_row.to(scores.device), seen_item.to(scores.device)] = -torch.inf
        if allowed is not None:
            scores.masked_fill_(~allowed.to(scores.device), -torch.inf)
        lists = top_k_torch.select(scores, k=k)
    if lists is None:
        raise _not_a_number()
    return lists


class Catalogue:
    r"""Items that are ranked by dot product for block after block of users, in bounded memory.

    .. math:: \operatorname{top}_k \{ \langle u_b, v_i \rangle : i \in A,\ (b, i) \notin S \}

    The ``cpu`` backend guesses in bfloat16 where the processor is fast at it, and scores again in float32
    whatever may be in a list: its lists and scores do not depend on which users are asked for together, on the
    memory or on the threads. The others compute blocks of scores, whose last bits may depend on the size of the
    block (as do those of vectors nearly too long for float32, which the ``cpu`` backend hands to ``torch``).

    Args:
        item: the table of items; must not change between calls.
        memory: bytes for the scores that are held at once and what selects from them; one row of scores is
            always held. None stands for as many as are fast.
        backend: "auto" or a name of ``kernels.backend``.

    Raises: UserError for an unknown backend.

    Example:
        >>> none = torch.empty(0, dtype=torch.int64)
        >>> catalogue = Catalogue(torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]))
        >>> catalogue.top_k(torch.tensor([[1.0, 0.0]]), k=2, seen_row=none, seen_item=none)[0].tolist()
        [[2, 1]]
    """

    def __init__(self, item: Float[Tensor, "I D"], *, memory: int | None = None, backend: str = "auto") -> None:
        self.item = item.detach().contiguous()
        self._memory = memory
        self._buffer: Tensor | None = None  # fresh pages cost more than the product
        self._fast: top_k_cpu.Catalogue | None = None
        chosen = choose(backend, item.device, having=HAVING)
        if chosen == "cpu" and item.dtype == torch.float32 and item.numel():
            from sgl_rec.kernels import top_k_cpu

            tile = top_k_cpu.TILE_BYTES if memory is None else memory - top_k_cpu.bytes_beside_tile(item)
            self._fast = top_k_cpu.Catalogue(self.item, tile_bytes=min(tile, top_k_cpu.TILE_BYTES))

    @torch.no_grad()
    def top_k(
        self,
        user_rows: Float[Tensor, "B D"],
        *,
        k: int,
        seen_row: Int64[Tensor, " P"],
        seen_item: Int64[Tensor, " P"],
        allowed: Bool[Tensor, " I"] | None = None,
    ) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
        """The k best items of each row, of those that are allowed and not seen.

        Args:
            seen_row, seen_item: pairs (position in ``user_rows``, item) to leave out; repeats are harmless.
            allowed: the items that may be listed; None stands for all. These three may be on any device.

        Returns: (items, scores), as the function ``top_k`` does.

        Raises: UserError for a k below 1, or scores that are not numbers.
        """
        _check_k(k)
        if self._fast is not None and user_rows.dtype == torch.float32:
            from sgl_rec.kernels import top_k_cpu

            hidden = top_k_cpu.Hidden.build(
                (len(user_rows), len(self.item)), seen_row=seen_row, seen_item=seen_item, allowed=allowed
            )
            lists = self._fast.top_k(user_rows.detach().contiguous(), k=k, hidden=hidden)
            if lists is not None:
                return lists
        return self._in_blocks(user_rows, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed)

    def _in_blocks(
        self, user_rows: Tensor, *, k: int, seen_row: Tensor, seen_item: Tensor, allowed: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        rows = self._rows(k, num_seen=len(seen_row), num_rows=len(user_rows))
        if self._buffer is None or len(self._buffer) < min(rows, len(user_rows)):
            self._buffer = self.item.new_empty(min(rows, len(user_rows)), len(self.item))
        lists = []
        for first in range(0, len(user_rows), rows):
            block = user_rows[first : first + rows]
            scores = self._buffer[: len(block)]
            torch.mm(block, self.item.T, out=scores)
            here = (seen_row >= first) & (seen_row < first + rows)
            lists.append(
                top_k_masked(
                    scores, k=k, seen_row=seen_row[here] - first, seen_item=seen_item[here], allowed=allowed,
                    backend="torch",
                )
            )  # fmt: skip
        if not lists:
            return top_k(self._buffer[:0], k)
        items, best = zip(*lists, strict=True)
        return torch.cat(items), torch.cat(best)

    def _rows(self, k: int, *, num_seen: int, num_rows: int) -> int:
        """Rows of scores that are held at once."""
        size = self.item.element_size()
        scores = max(1, size * len(self.item))
        cached = max(1, _CACHED_BYTES // scores) if self.item.device.type == "cpu" else max(1, num_rows)
        if self._memory is None:
            return cached
        one_row = BYTES_PER_MENDED * len(self.item)
        per_row = scores + one_row // top_k_torch.MEND_PARTS + BYTES_PER_PLACE * min(k, len(self.item))
        return max(1, min(cached, (self._memory - one_row) // per_row))


def top_k_embeddings(
    user_rows: Float[Tensor, "B D"],
    item: Float[Tensor, "I D"],
    *,
    k: int,
    seen_row: Int64[Tensor, " P"],
    seen_item: Int64[Tensor, " P"],
    allowed: Bool[Tensor, " I"] | None = None,
    backend: str = "auto",
) -> tuple[Int64[Tensor, "B K"], Float[Tensor, "B K"]]:
    """``Catalogue.top_k`` for one block of users.

    Example:
        >>> none = torch.empty(0, dtype=torch.int64)
        >>> user, item = torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])
        >>> top_k_embeddings(user, item, k=2, seen_row=none, seen_item=none)[0].tolist()
        [[2, 1]]
    """
    catalogue = Catalogue(item, backend=backend)
    return catalogue.top_k(user_rows, k=k, seen_row=seen_row, seen_item=seen_item, allowed=allowed)


def _check_k(k: int) -> None:
    if k < 1:
        raise must_be("top_k", "k", "at least 1", k)


def _not_a_number() -> UserError:
    return must_be("top_k", "scores", "numbers", "nan", "the model has diverged: lower its learning rate")
