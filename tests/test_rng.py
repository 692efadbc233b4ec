"""Named streams from one seed; the global generators stay as they are."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest
import torch

from sgl_rec.rng import draw_key, numpy_stream, scope, stream, stream_seed


def test_a_seed_is_the_hash_it_is_said_to_be() -> None:
    digest = hashlib.sha256(b"7/views/3").digest()
    assert stream_seed(7, "views/3") == int.from_bytes(digest[:8], "little") // 2


def test_streams_differ_by_seed_and_name_and_repeat() -> None:
    draws = {torch.rand(3, generator=stream(seed, name)) for seed in (0, 1) for name in ("views", "batches")}
    assert len({tuple(draw.tolist()) for draw in draws}) == 4
    assert torch.equal(torch.rand(3, generator=stream(1, "views")), torch.rand(3, generator=stream(1, "views")))
    assert numpy_stream(1, "split").integers(99) == numpy_stream(1, "split").integers(99)


def test_draw_key_advances_its_generator_alone() -> None:
    generator = stream(0, "views")
    keys = [draw_key(generator) for _ in range(100)]
    assert len(set(keys)) == 100
    assert all(0 <= key < 2**62 for key in keys)


def globals_now() -> tuple[object, ...]:
    return random.getstate(), tuple(np.random.get_state()[1]), tuple(torch.get_rng_state().tolist())  # type: ignore[index]


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_scope_seeds_the_globals_and_puts_them_back() -> None:
    def fail() -> None:
        with scope(stream(3, "dropout")):
            assert draw() == first
            raise RuntimeError("half way")

    before = globals_now()
    with scope(stream(3, "dropout")):
        first = draw()
    with pytest.raises(RuntimeError, match="half way"):
        fail()
    with scope(stream(4, "dropout")):
        assert draw() != first
    assert globals_now() == before
