"""What the definition adds to the tests of every backend: the form that is read."""

from __future__ import annotations

import torch

from sgl_rec.kernels.propagate_torch import gathered_form, horner
from sgl_rec.types import Adjacency

PAIR = torch.tensor([0, 1, 2]).int(), torch.tensor([1, 0]).int()


def test_rows_are_multiplied_and_then_rounded() -> None:
    edge = Adjacency(*PAIR, torch.ones(2), torch.tensor([1.0, 3.0]))
    x = torch.tensor([[1.0 + 2**-8], [1.0 + 2**-7]])
    assert gathered_form(edge, x, "float32").flatten().tolist() == [1 + 2**-8, 3 + 3 * 2**-7]
    # 1 + 2^-8 lies between 1 and 1 + 2^-7: to the even one. 3 + 3/128 lies at 3 + 1.5 steps: to the even one.
    assert gathered_form(edge, x, "bfloat16").flatten().tolist() == [1.0, 3 + 2**-5]


def test_horner_adds_where_a_layer_is_reached() -> None:
    edge = Adjacency(*PAIR, *[torch.ones(2)] * 2)
    x, extra = torch.tensor([[1.0], [10.0]]), torch.tensor([[100.0], [1000.0]])
    for start, expected in ((None, [[102.0], [1020.0]]), (extra, [[1102.0], [1120.0]])):
        got = horner([edge], x, weights=(0.0, 2.0), added=[start, extra], precision="float32")
        assert got.tolist() == expected
