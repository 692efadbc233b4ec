"""What is particular to the compiled sampling: how rows are parted. Its draws are tested in test_sample.py."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.kernels import sample_cpu, sample_torch
from sgl_rec.kernels.sample import DrawWeights
from sgl_rec.types import PairIndex

PAIRS = PairIndex(torch.tensor([0, 2, 2, 7]), torch.tensor([0, 3, 1, 2, 3, 4, 8]), 9)


@pytest.mark.parametrize("draws_per_part", [1, 7, 10_000])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_no_draw_depends_on_the_parts(
    draws_per_part: int, width: int, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_cpu, "_DRAWS_PER_PART", draws_per_part)
    monkeypatch.setattr(sample_cpu, "_PARTS_PER_THREAD", 50)
    users = torch.arange(101) % 3
    weights = DrawWeights.build(torch.arange(9), touched=PAIRS) if weighted else None
    got = sample_cpu.sample(users, width, PAIRS, 4, weights)
    assert torch.equal(got, sample_torch.sample(users, width, PAIRS, 4, weights))


def test_a_full_user_in_any_part_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_cpu, "_DRAWS_PER_PART", 1)
    full = PairIndex(torch.tensor([0, 0, 2]), torch.tensor([0, 1]), 2)
    for place in range(8):
        users = torch.zeros(8, dtype=torch.int64)
        users[place] = 1
        with pytest.raises(AssertionError, match="every item"):
            sample_cpu.sample(users, 1, full, 0, None)
