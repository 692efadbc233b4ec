from __future__ import annotations

import pytest
import torch

from sgl_rec.encoders.text.tokens import (
    check_length,
    check_pooling,
    check_tokens,
    check_vocabulary,
    padded,
    pooled,
    trimmed,
)
from sgl_rec.errors import UserError


def test_rows_are_padded_and_trimmed() -> None:
    assert padded([], padding_id=0).shape == (0, 1)
    assert padded([[]], padding_id=7).tolist() == [[7]]
    tokens = torch.tensor([[1, 2, 0, 3, 0], [1, 0, 0, 0, 0]])
    assert torch.equal(trimmed(tokens, padding_id=0), tokens[:, :4])
    assert trimmed(torch.zeros(2, 5).long(), padding_id=0).shape == (2, 1)
    assert trimmed(torch.zeros(0, 5).long(), padding_id=0).shape == (0, 1)


def test_a_mean_over_what_is_given() -> None:
    states = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(0))
    given = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]).bool()
    rows = pooled(states, given, pooling="mean")
    torch.testing.assert_close(rows[0], (states[0, 0] + states[0, 1]) / 2)
    torch.testing.assert_close(rows[1], states[1].mean(0))
    assert torch.equal(rows[2], torch.zeros(2))
    assert torch.equal(pooled(states, given, pooling="cls"), states[:, 0])


def test_what_is_refused() -> None:
    with pytest.raises(UserError, match="here: vocabulary_size must be at least 2, got 1"):
        check_vocabulary("here", vocabulary_size=1, padding_id=0)
    with pytest.raises(UserError, match="here: padding_id must be at least 0 and below 4, got 4"):
        check_vocabulary("here", vocabulary_size=4, padding_id=4)
    check_tokens("here", torch.zeros(0, 1).long(), vocabulary_size=2)
    with pytest.raises(UserError, match="here: ids of tokens must be at least 0 and below 2, got 0 to 2"):
        check_tokens("here", torch.tensor([[0, 2]]), vocabulary_size=2)
    with pytest.raises(UserError, match="here: length must be at least 3, got 2"):
        check_length("here", 2)
    with pytest.raises(UserError, match="here: pooling must be mean or cls, got 'max'"):
        check_pooling("here", "max")
