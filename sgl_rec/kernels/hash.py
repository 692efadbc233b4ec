"""One counter-based hash for every random draw in the kernels.

Key and counters in, 32 uniform bits out: no state, so each element is drawn on its own, in any order, and every
backend draws the same bits. The arithmetic is that of unsigned 32-bit integers, held here in int64.
"""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

_MASK_32 = 0xFFFFFFFF
_MASK_64 = 0xFFFFFFFFFFFFFFFF

# The multipliers of `_mix` modulo 2^32. The second is written as the negative number it is congruent to: it is
# below 2^31 in size, so that its product with a 32-bit value stays within int64.
_FIRST = 0x21F0AAAD
_SECOND = 0xD35A2D97 - 2**32


def uniform_bits(
    key: int, first: Int64[Tensor, "*shape"], second: Int64[Tensor, "*shape"] | int = 0
) -> Int64[Tensor, "*shape"]:
    r"""32 uniform bits for each pair of counters, as int64 in [0, 2^32).

    .. math:: h = m\big((m(a + k_0) \oplus m(b + k_1)) + k_2\big) \bmod 2^{32}

    where the words :math:`k_0, k_1, k_2` are SplitMix64 of the key and :math:`m` is a 32-bit finaliser.

    Args:
        key: 0 <= key < 2^63; neighbouring keys give unrelated bits.
        first, second: counters in [0, 2^32), of one shape (or one integer for all).

    Example:
        >>> uniform_bits(7, torch.tensor([0, 1, 2])).tolist()
        [1918056264, 1357102178, 3803678168]

    Reference: Wellons, hash-prospector (the finaliser ``[16 21f0aaad 15 d35a2d97 15]``); Steele, Lea and Flood,
    "Fast splittable pseudorandom number generators" (OOPSLA 2014) for SplitMix64. The combination is ours.
    """
    low, high, last = key_words(key)
    if isinstance(second, int):
        other: Tensor | int = int(_mix(torch.tensor([(second + high) & _MASK_32])))
    else:
        other = _mix((second + high).bitwise_and_(_MASK_32))
    mixed = _mix((first + low).bitwise_and_(_MASK_32)).bitwise_xor_(other)
    return _mix(mixed.add_(last).bitwise_and_(_MASK_32))


def key_words(key: int) -> tuple[int, int, int]:
    """The three 32-bit words that a key gives to the hash.

    Example:
        >>> key_words(7) == (split_key(7, 0) % 2**32, split_key(7, 0) >> 32, split_key(7, 1) % 2**32)
        True
    """
    whole, last = split_key(key, 0), split_key(key, 1)
    return whole & _MASK_32, whole >> 32, last & _MASK_32


def split_key(key: int, index: int) -> int:
    """The 64-bit key number ``index`` that follows from ``key``: draw ``index`` of SplitMix64.

    Example:
        >>> split_key(7, 0) != split_key(7, 1) != split_key(8, 0)
        True
    """
    word = (key + (index + 1) * 0x9E3779B97F4A7C15) & _MASK_64
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK_64
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _MASK_64
    return word ^ (word >> 31)


def threshold(probability: float) -> int:
    """The bound T for which ``uniform_bits(...) < T`` is true with ``probability`` (to 2^-32).

    Example:
        >>> threshold(0.25) == 2**30
        True
    """
    return round(probability * 2**32)


def below(bits: Int64[Tensor, "*shape"], bound: Int64[Tensor, "*shape"] | int) -> Int64[Tensor, "*shape"]:
    """32 uniform bits -> an integer uniform in [0, bound), for bounds up to 2^31.

    The probabilities of two outcomes differ by at most 2^-32 (a part in ten thousand at 400,000 outcomes).

    Example:
        >>> below(torch.tensor([0, 2**31, 2**32 - 1]), 10).tolist()
        [0, 5, 9]
    """
    return (bits * bound) >> 32


def _mix(value: Tensor) -> Tensor:
    """The finaliser, in place on int64 values in [0, 2^32)."""
    value ^= value >> 16
    value.mul_(_FIRST).bitwise_and_(_MASK_32)
    value ^= value >> 15
    value.mul_(_SECOND).bitwise_and_(_MASK_32)
    value ^= value >> 15
    return value
