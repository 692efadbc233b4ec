"""Adam beside torch's own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from sgl_rec.training.adam import Adam


def tables() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(*shape, generator=generator)) for shape in ((33, 7), (5,), (2, 2))]


def run(optimizer: Adam | torch.optim.Adam, parameters: list[nn.Parameter], *, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        # The last one is in no loss: it has no gradient and must stay where it is.
        sum((parameter.square() * 0.5 + parameter).sum() for parameter in parameters[:-1]).backward()
        optimizer.step()


def test_the_bits_of_torch_s_own() -> None:
    ours, theirs = tables(), tables()
    run(Adam(ours, learning_rate=0.03), ours, steps=5)
    run(torch.optim.Adam(theirs, lr=0.03, fused=True), theirs, steps=5)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert torch.equal(ours[-1], tables()[-1])
    assert not torch.equal(ours[0], tables()[0])


def test_by_its_equations() -> None:
    weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = Adam([weight], learning_rate=0.1, betas=(0.8, 0.9), epsilon=0.01)
    value, first, second = 1.0, 0.0, 0.0
    for step in (1, 2, 3):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        gradient = 2 * value
        first, second = 0.8 * first + 0.2 * gradient, 0.9 * second + 0.1 * gradient**2
        value -= 0.1 * (first / (1 - 0.8**step)) / ((second / (1 - 0.9**step)) ** 0.5 + 0.01)
        assert weight.item() == pytest.approx(value, rel=1e-12)


def test_state_saved_and_restored_goes_on_with_the_same_bits() -> None:
    whole, halves = tables(), tables()
    run(Adam(whole, learning_rate=0.03), whole, steps=4)
    first = Adam(halves, learning_rate=0.03)
    run(first, halves, steps=2)
    second = Adam(halves, learning_rate=0.03)
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    run(second, halves, steps=2)
    assert all(torch.equal(one, other) for one, other in zip(whole, halves, strict=True))
    with pytest.raises(KeyError):
        second.load_state_dict({})


def test_the_compiler_is_not_loaded() -> None:
    code = """
import sys, torch
from sgl_rec.training.adam import Adam
weight = torch.nn.Parameter(torch.ones(3))
optimizer = Adam([weight], learning_rate=0.1)
weight.sum().backward()
optimizer.step()
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
