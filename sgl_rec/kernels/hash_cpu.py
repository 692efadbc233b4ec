"""The hash of ``hash.py`` for compiled loops: the same bits, element by element in unsigned 32-bit integers."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from sgl_rec.kernels.hash import key_words
from sgl_rec.kernels.jit import jit

Words: TypeAlias = tuple[np.uint32, np.uint32, np.uint32]

_FIRST, _SECOND = np.uint32(0x21F0AAAD), np.uint32(0xD35A2D97)
_15, _16 = np.uint32(15), np.uint32(16)


def words(key: int) -> Words:
    """The three words of a key, as the compiled functions take them."""
    low, high, last = key_words(key)
    return np.uint32(low), np.uint32(high), np.uint32(last)


@jit(inline=True)
def mix(value: np.uint32) -> np.uint32:
    """The 32-bit finaliser."""
    value = np.uint32(value ^ (value >> _16))
    value = np.uint32(value * _FIRST)
    value = np.uint32(value ^ (value >> _15))
    value = np.uint32(value * _SECOND)
    return np.uint32(value ^ (value >> _15))


@jit(inline=True)
def mix_first(words: Words, first: int) -> np.uint32:
    """What the first counter gives to ``joined``: computed once where it stays the same over a loop."""
    return mix(np.uint32(np.uint32(first) + words[0]))


@jit(inline=True)
def mix_second(words: Words, second: int) -> np.uint32:
    """What the second counter gives to ``joined``."""
    return mix(np.uint32(np.uint32(second) + words[1]))


@jit(inline=True)
def joined(words: Words, first: np.uint32, second: np.uint32) -> np.uint32:
    """32 uniform bits, from both counters as ``mix_first`` and ``mix_second`` gave them."""
    return mix(np.uint32(np.uint32(first ^ second) + words[2]))


@jit(inline=True)
def uniform_bits(words: Words, first: int, second: int) -> np.uint32:
    """32 uniform bits for a pair of counters."""
    return joined(words, mix_first(words, first), mix_second(words, second))


@jit(inline=True)
def below(bits: np.uint32, bound: int) -> np.int64:
    """32 uniform bits -> an integer uniform in [0, bound), for bounds up to 2^31."""
    return np.int64((np.uint64(bits) * np.uint64(bound)) >> np.uint64(32))
