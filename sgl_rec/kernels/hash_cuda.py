"""The hash of ``kernels.hash`` inside Triton kernels: unsigned integers that wrap, the same bits."""

from __future__ import annotations

import triton.language as tl

from sgl_rec.kernels.triton_jit import jit


@jit()
def mix(value: tl.tensor) -> tl.tensor:
    """The 32-bit finaliser, on uint32."""
    value = value ^ (value >> 16)
    value = value * 0x21F0AAAD
    value = value ^ (value >> 15)
    value = value * 0xD35A2D97
    return value ^ (value >> 15)


@jit()
def split_mix(word: tl.tensor) -> tl.tensor:
    """The finaliser of SplitMix64, on uint64."""
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB
    return word ^ (word >> 31)


@jit()
def split_key(key: tl.tensor, index: tl.tensor) -> tl.tensor:
    """Key number ``index`` that follows from ``key``, a uint64; ``index`` is a tensor >= 0."""
    return split_mix(key + (index.to(tl.uint64) + 1) * 0x9E3779B97F4A7C15)


@jit()
def uniform_bits(key: tl.tensor, first: tl.tensor, second: tl.tensor) -> tl.tensor:
    """32 uniform bits, uint32, for each pair of counters; their shapes are broadcast, ``key`` is a uint64."""
    words = split_mix(key + 0x9E3779B97F4A7C15)
    last = split_mix(key + 0x3C6EF372FE94F82A)  # twice the constant of split_key, modulo 2^64
    one = mix(first.to(tl.uint32) + words.to(tl.uint32))
    other = mix(second.to(tl.uint32) + (words >> 32).to(tl.uint32))
    return mix((one ^ other) + last.to(tl.uint32))
