"""Nearest items by cosine."""

from __future__ import annotations

import math

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.export.neighbours import similar


def cosine(one: list[float], other: list[float]) -> float:
    norm = math.sqrt(sum(x * x for x in one)) * math.sqrt(sum(x * x for x in other))
    return sum(x * y for x, y in zip(one, other, strict=True)) / norm if norm else 0.0


@pytest.mark.parametrize("memory_budget", [1, 2**20])
def test_equals_a_loop(memory_budget: int) -> None:
    table = torch.randn(15, 4, generator=torch.Generator().manual_seed(0))
    table[6] = 0
    rows = table.tolist()
    asked = [3, 6, 14, 3]
    found = similar(table, torch.tensor(asked), k=20, memory_budget=memory_budget)
    assert found.user.tolist() == asked
    for item, listed, scores in zip(asked, found.item.tolist(), found.score.tolist(), strict=True):
        expected = {other: cosine(rows[item], rows[other]) for other in range(15) if other != item}
        assert sorted(listed[:14]) == sorted(expected)
        assert scores[:14] == pytest.approx([expected[other] for other in listed[:14]], abs=1e-6)
        assert scores[:14] == sorted(scores[:14], reverse=True)
        assert listed[14:] == [-1] * 6


def test_a_zero_row_is_near_to_nothing_and_ties_go_to_the_lower_index() -> None:
    table = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0], [0.0, 3.0]])
    found = similar(table, torch.tensor([0, 1]), k=3)
    assert found.item.tolist() == [[1, 3, 2], [0, 2, 3]]
    assert found.score.tolist() == [[0, 0, -1], [0, 0, 0]]


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_length_does_not_matter(scale: float) -> None:
    table = torch.tensor([[1.0, 0.0], [scale, scale], [0.0, 1.0]])
    assert similar(table, torch.tensor([0]), k=2).score[0].tolist() == pytest.approx([math.sqrt(1 / 2), 0])


def test_no_items_are_no_lists() -> None:
    found = similar(torch.ones(3, 2), torch.empty(0, dtype=torch.int64), k=2)
    assert (found.user.shape, found.item.shape, found.score.shape) == ((0,), (0, 2), (0, 2))


def test_what_is_out_of_range_is_refused() -> None:
    with pytest.raises(UserError, match=r"similar: items must be indices in \[0, 3\), got 3 to 3"):
        similar(torch.ones(3, 2), torch.tensor([3]), k=2)
    with pytest.raises(UserError, match="k must be at least 1"):
        similar(torch.ones(3, 2), torch.tensor([0]), k=0)
