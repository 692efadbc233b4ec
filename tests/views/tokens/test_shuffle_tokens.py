from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
import torch

from sgl_rec.views.tokens.shuffle_tokens import shuffle_tokens


def test_every_order_of_the_words_as_often() -> None:
    tokens = torch.tensor([[3, 7, 8, 9, 4, 0]]).expand(6000, -1)
    stream = torch.Generator().manual_seed(0)
    view = shuffle_tokens(tokens, rate=1.0, special_ids=(0, 3, 4), generator=stream)
    counts = Counter(map(tuple, view.tolist()))
    assert set(counts) == {(3, *order, 4, 0) for order in permutations((7, 8, 9))}
    assert list(counts.values()) == pytest.approx([1000] * 6, abs=120)


def test_the_words_that_are_not_chosen_stay() -> None:
    tokens = torch.arange(5, 45).expand(200, -1)
    view = shuffle_tokens(tokens, rate=0.25, special_ids=(), generator=torch.Generator().manual_seed(0))
    assert torch.equal(view.sort(1).values, tokens)
    # Of m chosen words one stays in its place on average, whatever m.
    moved = float((view != tokens).float().sum(1).mean())
    assert moved == pytest.approx(40 * 0.25 - 1, abs=0.5)
