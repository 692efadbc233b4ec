from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from sgl_rec.errors import UserError
from sgl_rec.training.checkpoint import Checkpoint, load_module
from sgl_rec.training.momentum import MomentumEncoder


def encoder(seed: int = 0) -> nn.Sequential:
    made = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).double()
    stream = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in made.parameters():
            one.copy_(torch.randn(one.shape, generator=stream))
    return made


@pytest.mark.parametrize(("schedule", "num_steps"), [("constant", None), ("cosine", 4)])
def test_the_mean_over_the_steps(schedule: str, num_steps: int | None) -> None:
    online, base = encoder(), 0.6
    target = MomentumEncoder(online, momentum=base, schedule=schedule, num_steps=num_steps)
    expected = [one.detach().clone() for one in online.parameters()]
    for step in range(6):
        moved = encoder(step + 1)
        target.follow(moved)
        rate = base if num_steps is None else 1 - (1 - base) * (math.cos(math.pi * min(step / 4, 1)) + 1) / 2
        expected = [rate * one + (1 - rate) * two for one, two in zip(expected, moved.parameters(), strict=True)]
        for got, want in zip(target.encoder.parameters(), expected, strict=True):
            torch.testing.assert_close(got.detach(), want)


def test_the_ends_of_the_range() -> None:
    online, moved = encoder(), encoder(1)
    for momentum, like in ((1.0, online), (0.0, moved)):
        target = MomentumEncoder(online, momentum=momentum)
        target.follow(moved)
        for got, want in zip(target.encoder.parameters(), like.parameters(), strict=True):
            torch.testing.assert_close(got.detach(), want.detach())


def test_a_cosine_stands_still_at_its_end() -> None:
    target = MomentumEncoder(encoder(), momentum=0.5, schedule="cosine", num_steps=2)
    seen = []
    for _ in range(4):
        seen.append(target.momentum)
        target.follow(encoder(1))
    assert seen == pytest.approx([0.5, 0.75, 1.0, 1.0])


def test_no_gradients_and_none_to_the_encoder_that_is_followed() -> None:
    online, rows = encoder(), torch.ones(4, 3, dtype=torch.float64)
    target = MomentumEncoder(online)
    assert not target(rows).requires_grad
    assert not any(one.requires_grad for one in target.parameters())
    assert all(one.requires_grad for one in online.parameters())
    assert target.encoder is not online


def test_it_has_statistics_of_its_own() -> None:
    online = encoder()
    target = MomentumEncoder(online)
    target(torch.ones(4, 3, dtype=torch.float64))
    target.follow(online)
    assert int(target.encoder[1].num_batches_tracked) == 1
    assert int(online[1].num_batches_tracked) == 0


def test_a_checkpoint_brings_it_back(tmp_path: Path) -> None:
    online = encoder()
    target, other = (MomentumEncoder(online, momentum=0.5, schedule="cosine", num_steps=9) for _ in range(2))
    for _ in range(3):
        target.follow(encoder(1))
    saved = Checkpoint()
    saved.put("target", target.state_dict())
    saved.save(tmp_path / "state")
    load_module(other, Checkpoint.load(tmp_path / "state").group("target"), where=tmp_path / "state")
    for one in (target, other):
        one.follow(encoder(2))
    assert other.momentum == target.momentum
    for got, want in zip(other.parameters(), target.parameters(), strict=True):
        assert torch.equal(got, want)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"momentum": 1.5}, r"momentum must be in \[0, 1\], got 1.5"),
        ({"schedule": "linear"}, "schedule must be 'constant' or 'cosine', got 'linear'"),
        ({"schedule": "cosine"}, "num_steps must be at least 1 for a cosine, got None"),
    ],
)
def test_values_out_of_range(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"MomentumEncoder: {message}"):
        MomentumEncoder(encoder(), **values)


def test_another_encoder_cannot_be_followed() -> None:
    with pytest.raises(UserError, match="encoder must be the one that was copied"):
        MomentumEncoder(encoder()).follow(nn.Linear(3, 4))
