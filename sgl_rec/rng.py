"""One seed, named generator streams. Nobody touches a global generator.

Each purpose ("initial", "batches/<epoch>", "negatives/<epoch>/<step>", "views/<epoch>", "split", ...) draws
from its own stream, so that a further draw in one never shifts another. A stream's seed is the first 8 bytes of
SHA-256 over seed and name.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator

import numpy as np
import torch


def stream_seed(seed: int, name: str) -> int:
    """The 63-bit seed of stream ``name`` under ``seed``.

    Example:
        >>> stream_seed(0, "views") == stream_seed(0, "views") != stream_seed(1, "views")
        True
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def numpy_stream(seed: int, name: str) -> np.random.Generator:
    """A NumPy generator for stream ``name``."""
    return np.random.default_rng(stream_seed(seed, name))


def stream(seed: int, name: str) -> torch.Generator:
    """A torch generator (on the CPU) for stream ``name``.

    A draw that belongs to an epoch or a step carries its number in the name (``"views/3"``): nothing has to be
    saved to make the same draw again after a resume.

    Example:
        >>> draw_key(stream(7, "views/3")) == draw_key(stream(7, "views/3"))
        True
    """
    return torch.Generator().manual_seed(stream_seed(seed, name))


def draw_key(generator: torch.Generator) -> int:
    """One 62-bit integer key for a counter-based kernel; advances the generator by one draw."""
    return int(torch.randint(2**62, (), generator=generator, device=generator.device))


@contextlib.contextmanager
def scope(generator: torch.Generator) -> Iterator[None]:
    """Run code that knows only the global generators (dropout, third-party augmentation), then restore them."""
    key = draw_key(generator)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        try:
            torch.manual_seed(key)
            random.seed(key)
            np.random.seed(key % 2**32)
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
