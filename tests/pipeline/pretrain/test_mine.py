"""Hard negatives that are found: near a sample, and not so near as what says the same."""

from __future__ import annotations

import torch

from sgl_rec.pipeline.pretrain import mine
from sgl_rec.pipeline.pretrain.mine import hardest_below


def test_as_a_loop_says() -> None:
    draw = torch.Generator().manual_seed(0)
    rows, partner = torch.randn(3000, 4, generator=draw), torch.randn(3000, 4, generator=draw)
    candidate = torch.randn(7, 4, generator=draw)
    got = hardest_below(rows, partner, candidate, share=0.9)
    assert len(rows) > 2 * mine.BLOCK
    for b in (0, 1, 2, 1023, 1024, 2999):
        cosine = [float(torch.cosine_similarity(rows[b], one, dim=0)) for one in candidate]
        alike = float(torch.cosine_similarity(rows[b], partner[b], dim=0))
        limit = alike - 0.1 * abs(alike)
        below = [value for value in cosine if value <= limit]
        assert int(got[b]) == cosine.index(max(below) if below else min(cosine))


def test_its_own_text_and_its_partners_are_never_chosen() -> None:
    rows = torch.eye(3)
    partner = rows + 0.01
    candidate = torch.cat([rows, partner, torch.tensor([[1.0, 1.0, 1.0]])])
    assert hardest_below(rows, partner, candidate).tolist() == [6, 6, 6]
