"""The compiled pieces: what finds, orders and counts, each against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sgl_rec.kernels import top_k_rows_cpu as module

FLOATS = np.array([-np.inf, -3e38, -1.0, -1e-40, -0.0, 0.0, 1e-45, 0.5, 1.0, 3e38, np.inf], np.float32)


def flipped(values: np.ndarray) -> np.ndarray:
    return np.array([module._flipped(bits) for bits in values.astype(np.float32).view(np.int32)], np.int32)


def test_flipped_bits_order_like_the_floats_and_flip_back() -> None:
    order = flipped(FLOATS)
    assert (np.diff(order) > 0).all()
    assert [module._flipped(bits) for bits in order] == FLOATS.view(np.int32).tolist()
    assert order[0] == module._MINUS_INFINITY


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_maxima_of_chunks(size: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(size)
    scores = torch.randn(size, generator=generator).mul(3).to(dtype)
    scores[generator.initial_seed() % size] = -torch.inf
    scores[: size // 2] -= 100  # chunks that are negative throughout
    maxima = np.empty(-(-size // module.CHUNK), np.int32)
    integer, flip = (
        (torch.int32, np.int32(0x7FFFFFFF)) if dtype == torch.float32 else (torch.int16, np.int16(0x7FFF))
    )
    module._find_maxima(scores.view(integer).numpy(), flip, maxima)
    expected = [float(chunk.max()) for chunk in scores.split(module.CHUNK)]
    assert maxima.tolist() == flipped(np.array(expected)).tolist()


@pytest.mark.parametrize("k", [1, 2, 19, 20, 21])
@pytest.mark.parametrize("num_values", [2, 7, 2**31])
def test_as_many_as_asked_reach_the_cut_and_ties_are_all_there_is_beyond(k: int, num_values: int) -> None:
    generator = np.random.default_rng(k)
    values = generator.integers(-num_values, num_values, size=20).astype(np.int32)
    cut = module._kth_largest(values, k)
    if k > len(values):
        assert cut == module._MINUS_INFINITY
    else:
        assert (values >= cut).sum() == (values >= np.sort(values)[-k]).sum() >= k


def test_places_that_reach_a_bound() -> None:
    values, found = np.array([1.0, np.nan, 3.0, -np.inf, 2.0], np.float32), np.empty(5, np.int64)
    assert module._reaching(values, 5, np.float32(2.0), found) == 2
    assert found[:2].tolist() == [2, 4]
    assert module._reaching(values, 3, np.float32(2.0), found) == 1


@pytest.mark.parametrize("nan_bits", [0x7FC00000, 0x7F800001, -0x400000, -0x7FFFFF])
def test_every_nan_is_seen(nan_bits: int) -> None:
    bits = np.concatenate([FLOATS.view(np.int32)] * 10)
    assert not module._has_nan(bits)
    bits[57] = nan_bits
    assert module._has_nan(bits)


@pytest.mark.parametrize("size", [1, 2, 3, 20])
def test_a_heap_becomes_a_list(size: int) -> None:
    generator = np.random.default_rng(size)
    entries = [(float(generator.integers(4)), int(item)) for item in generator.permutation(100)]
    scores, items = np.full(size, -np.inf, np.float32), np.full(size, -1, np.int64)
    for score, item in entries:
        if module._is_worse(scores[0], items[0], score, item):
            scores[0], items[0] = score, item
            module._sift(scores, items, size)
    module._sort_heap(scores, items)
    best = sorted(entries, key=lambda entry: (-entry[0], entry[1]))[:size]
    assert list(zip(scores.tolist(), items.tolist(), strict=True)) == best
