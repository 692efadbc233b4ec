from __future__ import annotations

import pytest
import torch

from sgl_rec.views.tokens.delete_tokens import delete_tokens
from tests.reference import text_views as reference


@pytest.mark.parametrize("rate", [0.3, 0.95])
def test_equals_the_loops(rate: float) -> None:
    tokens = torch.randint(1, 9, (40, 12), generator=torch.Generator().manual_seed(1))
    tokens[:, 9:] = 0
    number = torch.rand(40, 12, generator=torch.Generator().manual_seed(2)).tolist()
    view = delete_tokens(
        tokens, rate=rate, padding_id=0, special_ids=(0, 2, 3), generator=torch.Generator().manual_seed(2)
    )
    assert view.tolist() == reference.delete_tokens(
        tokens.tolist(), number, rate=rate, padding=0, special={0, 2, 3}
    )


def test_the_word_that_is_left_is_any_of_them() -> None:
    tokens = torch.tensor([[3, 7, 8, 9]]).expand(3000, -1)
    stream = torch.Generator().manual_seed(0)
    view = delete_tokens(tokens, rate=1.0, padding_id=0, special_ids=(0, 3), generator=stream)
    assert (view[:, 2:] == 0).all()
    assert torch.bincount(view[:, 1], minlength=10)[7:].tolist() == pytest.approx([1000] * 3, abs=90)
