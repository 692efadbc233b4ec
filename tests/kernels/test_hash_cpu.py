"""The compiled hash against the plain integer loop."""

from __future__ import annotations

import pytest

from sgl_rec.kernels.hash_cpu import below, joined, mix_first, mix_second, uniform_bits, words
from tests.reference import hash as reference

EDGES = [0, 1, 2, 77, 2**16, 2**31 - 1, 2**31, 2**32 - 1]


@pytest.mark.parametrize("key", [0, 1, 2**31 + 7, 2**62 - 1, 2**63 - 1])
def test_equals_a_plain_integer_loop(key: int) -> None:
    own = words(key)
    for first in EDGES:
        for second in EDGES:
            expected = reference.uniform_bits(key, first, second)
            assert int(uniform_bits(own, first, second)) == expected
            assert int(joined(own, mix_first(own, first), mix_second(own, second))) == expected


def test_below_reaches_its_ends() -> None:
    for bits in (0, 2**31 - 1, 2**31, 2**32 - 1):
        for bound in (1, 2, 1000, 2**31):
            assert below(bits, bound) == bits * bound // 2**32
