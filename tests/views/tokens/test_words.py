from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.tokens.words import check_rate, drawn, words


def test_what_is_a_word() -> None:
    tokens = torch.tensor([[101, 7, 102, 0], [101, 103, 1, 0]])
    assert words(tokens, (0, 101, 102, 103)).int().tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]
    assert words(tokens, ()).all()


def test_draws_and_rates() -> None:
    number = drawn(torch.zeros(500, 20, dtype=torch.int64), generator=torch.Generator().manual_seed(0))
    assert 0 <= float(number.min()) < float(number.max()) < 1
    assert float(number.mean()) == pytest.approx(0.5, abs=0.01)
    check_rate("here", 0.0)
    with pytest.raises(UserError, match=r"here: rate must be in \[0, 1\], got 2.0"):
        check_rate("here", 2.0)
