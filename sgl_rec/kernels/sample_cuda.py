"""``kernels.sample`` on the GPU: the binary searches for each negative, all in one kernel."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from sgl_rec.kernels.hash_cuda import uniform_bits
from sgl_rec.kernels.sample import DrawWeights
from sgl_rec.kernels.triton_jit import jit, key_on, on_device_of
from sgl_rec.types import PairIndex

BLOCK = 128


@jit()
def _own_mass(
    count: tl.tensor, begin: tl.tensor, item: tl.tensor, item_before: tl.tensor, free_before: tl.tensor
) -> tl.tensor:
    """The mass of the first ``count`` items of each user's own."""
    mass = count
    if item_before is not None:
        some = count > 0
        last = begin + count - 1
        own = tl.load(item + last, mask=some, other=0)
        mass = tl.load(item_before + own + 1) - tl.load(free_before + last, mask=some, other=0)
        mass = tl.where(some, mass, 0)
    return mass


@jit(plain=("num_draws", "num_items", "width", "steps"))
def _draw(
    key: tl.tensor,
    users: tl.tensor,
    start: tl.tensor,
    item: tl.tensor,
    item_before: tl.tensor,
    free_before: tl.tensor,
    drawn: tl.tensor,
    num_draws: tl.tensor,
    num_items: tl.tensor,
    width: tl.tensor,
    steps: tl.tensor,
    BLOCK: tl.constexpr,
) -> None:
    draw = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = draw < num_draws
    row = draw // width
    user = tl.load(users + row, mask=inside, other=0)
    begin = tl.load(start + user)
    high = tl.load(start + user + 1) - begin
    mass = num_items - _own_mass(high, begin, item, item_before, free_before)
    if item_before is not None:
        mass += tl.load(item_before + num_items) - num_items
    bits = uniform_bits(tl.load(key).to(tl.uint64), row, draw - row * width)
    rank = (bits.to(tl.int64) * mass) >> 32
    low = high * 0
    for _ in range(steps):
        middle = (low + high) >> 1
        searching = inside & (low < high)
        if item_before is None:
            untouched = tl.load(item + begin + middle, mask=searching, other=0) - middle
        else:
            untouched = tl.load(free_before + begin + middle, mask=searching, other=0)
        before = untouched <= rank
        low = tl.where(searching & before, middle + 1, low)
        high = tl.where(searching & (before == 0), middle, high)
    place = rank + _own_mass(low, begin, item, item_before, free_before)
    if item_before is not None:
        # the last item whose mass begins at or before the place
        low = place * 0
        high = low + num_items
        for _ in range(steps):
            middle = (low + high + 1) >> 1
            before = tl.load(item_before + middle, mask=inside, other=0) <= place
            low = tl.where(before, middle, low)
            high = tl.where(before, high, tl.maximum(middle - 1, 0))
        place = low
    tl.store(drawn + draw, place, mask=inside)


def sample(users: Tensor, width: int, touched: PairIndex, key: int, weights: DrawWeights | None) -> Tensor:
    """See ``kernels.sample.sample_negatives``; (B, M).

    That every user has a negative is not looked at on a GPU, which would wait for it.
    """
    drawn = torch.empty(len(users), width, dtype=torch.int64, device=users.device)
    if drawn.numel():
        with on_device_of(users):
            _draw[(triton.cdiv(drawn.numel(), BLOCK),)](
                key_on(users.device, key),
                users.contiguous(),
                touched.start,
                touched.item,
                None if weights is None else weights.item_before,
                None if weights is None else weights.free_before,
                drawn,
                drawn.numel(),
                touched.num_items,
                width,
                touched.num_items.bit_length(),
                BLOCK=BLOCK,
            )
    return drawn
