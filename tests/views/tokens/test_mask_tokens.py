from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.views.tokens.mask_tokens import mask_tokens
from tests.reference import text_views as reference


def test_equals_the_loops() -> None:
    tokens = torch.randint(0, 9, (40, 12), generator=torch.Generator().manual_seed(1))
    number = torch.rand(40, 12, generator=torch.Generator().manual_seed(2)).tolist()
    view = mask_tokens(
        tokens, rate=0.3, mask_id=2, special_ids=(0, 2, 3), generator=torch.Generator().manual_seed(2)
    )
    assert view.tolist() == reference.mask_tokens(tokens.tolist(), number, rate=0.3, mask=2, special={0, 2, 3})


def test_a_share_of_the_words() -> None:
    tokens = torch.full((400, 50), 7)
    view = mask_tokens(tokens, mask_id=2, special_ids=(2,), generator=torch.Generator().manual_seed(0))
    assert float((view == 2).float().mean()) == pytest.approx(0.15, abs=0.01)


def test_a_tokenizer_without_a_mask() -> None:
    with pytest.raises(
        UserError, match="mask_tokens: mask_id must be that of a token, got none; leave this view"
    ):
        mask_tokens(torch.ones(1, 1).long(), mask_id=None, special_ids=(), generator=torch.Generator())
