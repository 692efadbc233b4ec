"""The queue of keys against a list."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sgl_rec.errors import UserError
from sgl_rec.losses.queue import Queue
from tests.losses.pairs import rows
from tests.reference import pair_losses as reference


def make(size: int = 4, width: int = 3) -> Queue:
    return Queue(size=size, embedding_dim=width, generator=torch.Generator().manual_seed(0))


def test_begins_with_random_rows_of_length_1() -> None:
    queue = make(50)
    assert torch.equal(queue.rows, make(50).rows)
    torch.testing.assert_close(queue.rows.norm(dim=1), torch.ones(50))
    assert queue.rows.mean(0).norm() < 0.4
    assert not queue.rows.requires_grad
    assert not list(queue.parameters())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.lists(st.integers(1, 15), max_size=5))
def test_first_in_first_out(size: int, batches: list[int]) -> None:
    queue = make(size)
    start, keys = queue.rows.tolist(), [rows(number, 3, seed=seed).float() for seed, number in enumerate(batches)]
    for batch in keys:
        queue.enqueue(batch)
    expected = reference.queue_after(start, [batch.tolist() for batch in keys])
    oldest = int(queue.position)
    assert queue.rows.roll(-oldest, 0).tolist() == expected


def test_its_state_is_saved_and_keys_are_copied() -> None:
    queue, other = make(), make()
    key = torch.ones(3, 3, dtype=torch.float64, requires_grad=True)
    queue.enqueue(key)
    assert queue.rows.dtype == torch.float32
    assert not queue.rows.requires_grad
    with torch.no_grad():
        key.mul_(5)
    assert queue.rows[:3].max() == 1
    assert set(queue.state_dict()) == {"rows", "position"}
    other.load_state_dict(queue.state_dict())
    for each in (queue, other):
        each.enqueue(torch.zeros(2, 3))
    assert torch.equal(queue.rows, other.rows)
    assert queue.position == other.position == 1


def test_wrong_input_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match="Queue: key must be of width 3, got 2"):
        make().enqueue(torch.ones(2, 2))
    with pytest.raises(UserError, match="Queue: size must be at least 1, got 0"):
        make(0)
    with pytest.raises(UserError, match="Queue: embedding_dim must be at least 1, got 0"):
        make(3, 0)
