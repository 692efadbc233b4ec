"""The least time that the arithmetic of a training step can take, at the rates of this machine in this run.

Rows gathered and written by the hops, and the tables that Adam reads and writes, over the bandwidth of a buffer
of the table's size (which may lie in a cache); the three products of the contrast (similarities, gradients
of both sides) at ``torch.mm``'s best rate into a reused tile. Everything else is taken to be free: the
exponentials, unit length, the ranking loss, the sums over the layers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

TILE_ROWS = 256
TILE_WIDTHS = (512, 2048, 8192)
"""Candidates at a time: a wide tile is out of the cache, a narrow one has more calls."""


class Clock:
    """Seconds between marks: of the host, or on a GPU of its stream, so that nothing has to wait."""

    def __init__(self, device: str) -> None:
        self.on_gpu, self.marks = device != "cpu", list[Any]()

    def mark(self) -> None:
        if self.on_gpu:
            import torch

            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.marks.append(event)
        else:
            self.marks.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """From each mark to the next."""
        pairs = zip(self.marks, self.marks[1:], strict=False)
        if not self.on_gpu:
            return [after - before for before, after in pairs]
        self.marks[-1].synchronize()
        return [before.elapsed_time(after) / 1e3 for before, after in pairs]


def floor(work: dict[str, Any], precision: str, device: str, threads: int | None) -> dict[str, float]:
    """Seconds of each part of a step, and the bandwidth.

    Args:
        work: ``hops`` (rows gathered by each, forward and backward), ``products`` (anchors and candidates of each
            contrast), ``nodes``, ``dim``.
    """
    import torch

    from sgl_rec.pipeline.device import set_threads

    set_threads(threads)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    nodes, dim = work["nodes"], work["dim"]
    table = torch.zeros(nodes, dim, device=device)
    read, into = table.to(dtype), torch.empty_like(table)
    # a copy reads and writes, a sum only reads: whichever is faster here
    copied = 2 * table.nbytes / _fastest(lambda: into.copy_(table), device)
    summed = table.nbytes / _fastest(lambda: table.sum(), device)
    gathered = sum(work["hops"]) * (dim * read.element_size() + 4)
    written = 2 * len(work["hops"]) * table.nbytes
    return {
        "hops": gathered / max(copied, summed) + written / copied,
        "contrast": sum(
            _products(dtype, size, dim, device) * anchors / TILE_ROWS for anchors, size in work["products"]
        ),
        "Adam": 7 * table.nbytes / copied,
        "GB/s": max(copied, summed) / 1e9,
    }


def _products(dtype: Any, candidates: int, dim: int, device: str) -> float:
    """Seconds of the three products of ``TILE_ROWS`` anchors with all candidates, in tiles of the best width."""
    import torch

    seconds = []
    for width in {min(width, candidates) for width in TILE_WIDTHS}:
        sizes = ((TILE_ROWS, dim), (width, dim), (TILE_ROWS, width))
        rows, columns, tile = (torch.randn(size, device=device).to(dtype) for size in sizes)
        total = 0.0
        for left, right in ((rows, columns.T), (tile, columns), (tile.T, rows)):
            into = left @ right
            total += _fastest(lambda a=left, b=right, c=into: torch.mm(a, b, out=c), device)  # type: ignore[misc]
        seconds.append(total * candidates / width)
    return min(seconds)


def _fastest(call: Callable[[], Any], device: str, *, seconds: float = 0.05) -> float:
    """The least time of a call, over as many as fit."""
    clock, begin = Clock(device), time.perf_counter()
    while time.perf_counter() - begin < seconds or len(clock.marks) < 4:
        clock.mark()
        call()
    clock.mark()
    return min(clock.seconds())


def floor_line(precision: str, rounds: list[dict[str, float]]) -> str:
    """The least that was seen of each part, and their sum."""
    parts = {name: min(run[name] for run in rounds) for name in ("hops", "contrast", "Adam")}
    rate = max(run["GB/s"] for run in rounds)
    listed = " + ".join(f"{name} {seconds:.4f}" for name, seconds in parts.items())
    return f"floor {precision}: {sum(parts.values()):.4f} s a step = {listed} ({rate:.0f} GB/s)"
