"""How fast is InfoNCE over all candidates, forward and backward, and how much memory does it take?

Beside ours, in float32 and with bfloat16 products: plain PyTorch (autograd over the whole B x C matrix), and the
floor: the three matrix products of each precision alone, on tiles of 256 x 4096. Times are medians of rounds in
which every variant has its turn, after one that does not count; memory is the peak of a process that runs one
variant once, less what it held before (the inputs are counted, some 300 MB of libraries are not).
pytorch-metric-learning's NTXentLoss holds a matrix of pairs by pairs, B x B x C numbers, and has its own sizes.

    python benchmarks/bench_contrast.py --size 2048x31668
    python benchmarks/bench_contrast.py --size 8192x1000000 --without plain --without floor --rounds 1
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torch import Tensor

PRECISIONS = ("float32", "bfloat16")
TEMPERATURE = 0.2


@click.command()
@click.option("--size", "sizes", multiple=True, default=("2048x31668", "1730x6039", "1400x3043", "2048x2048"))
@click.option("--peer-size", "peer_sizes", multiple=True, default=("128x128", "256x256", "512x512"))
@click.option("--dim", default=64, show_default=True, help="Embedding width.")
@click.option("--rounds", default=9, show_default=True, help="Counted rounds.")
@click.option("--without", multiple=True, type=click.Choice(["plain", "floor", "peer"]), help="Leave one out.")
@click.option("--threads", type=int, help="CPU threads  [default: one for each core].")
def main(
    sizes: tuple[str, ...],
    peer_sizes: tuple[str, ...],
    dim: int,
    rounds: int,
    without: tuple[str, ...],
    threads: int | None,
) -> None:
    if importlib.util.find_spec("pytorch_metric_learning") is None:
        click.echo("pytorch-metric-learning is absent: pip install --no-deps pytorch-metric-learning")
        without = (*without, "peer")
    for size in sizes:
        names = [name for name in ("plain", "floor", *PRECISIONS) if name not in without]
        report(size, dim, rounds, threads, names)
    for size in () if "peer" in without else peer_sizes:
        report(size, dim, rounds, threads, ["peer", "plain", *PRECISIONS])


def report(size: str, dim: int, rounds: int, threads: int | None, names: list[str]) -> None:
    """Print the line of every variant at one size."""
    anchors, candidates = map(int, size.split("x"))
    variants = [f"floor {one}" for one in PRECISIONS if "floor" in names] + [n for n in names if n != "floor"]
    seconds = in_a_process(timed, (anchors, candidates, dim, rounds, threads, variants))
    print(f"{anchors:,} anchors, {candidates:,} candidates, {dim} columns")
    first = next(name for name in variants if not name.startswith("floor"))
    for name in variants:
        line = f"  {name:15s} {seconds[name] * 1e3:9.1f} ms   {seconds[first] / seconds[name]:5.1f} x {first}"
        if not name.startswith("floor"):
            line += f"   {in_a_process(peak, (anchors, candidates, dim, threads, name)):7.0f} MB"
        print(line, flush=True)


def in_a_process(function: Callable[..., None], arguments: tuple[object, ...]) -> object:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(send, *arguments))
    process.start()
    send.close()
    try:
        return receive.recv()
    finally:
        process.join()


def timed(
    send: object, anchors: int, candidates: int, dim: int, rounds: int, threads: int | None, names: list[str]
) -> None:
    from sgl_rec.pipeline.device import set_threads

    set_threads(threads)
    variants = {name: variant(name, *inputs(anchors, candidates, dim)) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds + 1):
        for name, run in variants.items():
            begin = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begin)
    send.send({name: statistics.median(times[1:] or times) for name, times in seconds.items()})  # type: ignore[attr-defined]


def peak(send: object, anchors: int, candidates: int, dim: int, threads: int | None, name: str) -> None:
    from sgl_rec.kernels import contrast_cpu  # noqa: F401 - what is imported is no part of the answer
    from sgl_rec.pipeline.device import set_threads

    set_threads(threads)
    variant(name, *inputs(64, 64, dim))()
    before = peak_mb()
    variant(name, *inputs(anchors, candidates, dim))()
    send.send(peak_mb() - before)  # type: ignore[attr-defined]


def inputs(anchors: int, candidates: int, dim: int) -> tuple[Tensor, Tensor]:
    """Two views of the same rows: the first of each are partners."""
    import torch

    generator = torch.Generator().manual_seed(0)
    candidate = torch.randn(candidates, dim, generator=generator)
    anchor = candidate[:anchors] + torch.randn(anchors, dim, generator=generator)
    return anchor.requires_grad_(), candidate.requires_grad_()


def variant(name: str, anchor: Tensor, candidate: Tensor) -> Callable[[], object]:
    """The mean loss and both gradients (or the products alone), to be called."""
    import torch

    from sgl_rec.losses import info_nce

    target = torch.arange(len(anchor))
    if name.startswith("floor"):
        return products(anchor.detach(), candidate.detach(), bfloat16=name.endswith("bfloat16"))
    if name == "plain":

        def loss() -> Tensor:
            normalize = torch.nn.functional.normalize
            logits = normalize(anchor) @ normalize(candidate).T / TEMPERATURE
            return torch.nn.functional.cross_entropy(logits, target)

    elif name == "peer":
        from pytorch_metric_learning.losses import NTXentLoss

        nt_xent = NTXentLoss(temperature=TEMPERATURE)

        def loss() -> Tensor:
            return nt_xent(anchor, target, ref_emb=candidate, ref_labels=torch.arange(len(candidate)))  # type: ignore[no-any-return]

    else:
        weight = torch.full((len(anchor),), 1 / len(anchor))

        def loss() -> Tensor:
            return info_nce(anchor, candidate, target, temperature=TEMPERATURE, weight=weight, precision=name)  # type: ignore[arg-type]

    return lambda: torch.autograd.grad(loss(), [anchor, candidate])


def products(anchor: Tensor, candidate: Tensor, *, bfloat16: bool) -> Callable[[], object]:
    """The three products of every tile: the logits in float32, the gradients in either."""
    import torch

    from sgl_rec.kernels.contrast_cpu import ROWS, TILE, _product

    dtype = torch.bfloat16 if bfloat16 else torch.float32
    blocks, tiles = anchor.split(ROWS), candidate.split(TILE)
    low_blocks = [block.to(dtype).T.contiguous() for block in blocks]
    low_tiles = [tile.to(dtype).T.contiguous() for tile in tiles]
    shares = torch.rand(ROWS * TILE).to(dtype)

    def run() -> None:
        for block, low_block in zip(blocks, low_blocks, strict=True):
            for tile, low_tile in zip(tiles, low_tiles, strict=True):
                share = shares[: len(block) * len(tile)].view(len(block), len(tile))
                _product(block, tile)
                _product(share, low_tile)
                _product(low_block, share.T)

    return run


def peak_mb() -> float:
    """The largest resident size of this process so far, in MB of 10^6 bytes (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
