"""The hash inside a kernel against the one in PyTorch: on the GPU where there is one, else interpreted."""

from __future__ import annotations

import pytest
import torch

triton = pytest.importorskip("triton")
tl = pytest.importorskip("triton.language")

from sgl_rec.kernels import hash as plain  # noqa: E402
from sgl_rec.kernels import hash_cuda  # noqa: E402
from sgl_rec.kernels.triton_jit import jit, key_on  # noqa: E402

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
KEYS = [0, 1, 7, 2**31, 2**62 - 1, 2**63 - 1, 2**63 + 5, 2**64 - 1]


@jit()
def draw(key: tl.tensor, first: tl.tensor, second: tl.tensor, bits: tl.tensor, BLOCK: tl.constexpr) -> None:
    place = tl.arange(0, BLOCK)
    one, other = tl.load(first + place), tl.load(second + place)
    drawn = hash_cuda.uniform_bits(tl.load(key).to(tl.uint64), one, other)
    tl.store(bits + place, drawn.to(tl.int64))


@jit(plain=("index",))
def split(key: tl.tensor, index: tl.tensor, result: tl.tensor) -> None:
    tl.store(result, hash_cuda.split_key(tl.load(key).to(tl.uint64), index).to(tl.int64))


@pytest.mark.parametrize("key", KEYS)
def test_same_bits_as_the_plain_hash(key: int) -> None:
    generator = torch.Generator().manual_seed(0)
    counters = torch.randint(2**32, (2, 64), generator=generator)
    counters[:, :4] = torch.tensor([[0, 0, 2**32 - 1, 2**32 - 1], [0, 2**32 - 1, 0, 2**32 - 1]])
    first, second = counters.to(DEVICE)
    bits = torch.empty_like(first)
    draw[(1,)](key_on(DEVICE, key), first, second, bits, BLOCK=64)
    assert torch.equal(bits.cpu(), plain.uniform_bits(key, *counters.clone()))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("index", [0, 1, 3, 16])
def test_same_keys_as_the_plain_split(key: int, index: int) -> None:
    result = torch.zeros(1, dtype=torch.int64, device=DEVICE)
    split[(1,)](key_on(DEVICE, key), index, result)
    assert int(result) % 2**64 == plain.split_key(key, index)
