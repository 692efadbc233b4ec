"""The counter-based hash, one element at a time in plain Python integers."""

from __future__ import annotations


def split_key(key: int, index: int) -> int:
    word = (key + (index + 1) * 0x9E3779B97F4A7C15) % 2**64
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) % 2**64
    return word ^ (word >> 31)


def mix(value: int) -> int:
    value ^= value >> 16
    value = value * 0x21F0AAAD % 2**32
    value ^= value >> 15
    value = value * 0xD35A2D97 % 2**32
    return value ^ (value >> 15)


def uniform_bits(key: int, first: int, second: int = 0) -> int:
    whole, last = split_key(key, 0), split_key(key, 1) % 2**32
    one = mix((first + whole % 2**32) % 2**32)
    other = mix((second + whole // 2**32) % 2**32)
    return mix(((one ^ other) + last) % 2**32)
