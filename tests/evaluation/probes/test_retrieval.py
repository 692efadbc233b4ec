from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes import retrieval as module
from sgl_rec.evaluation.probes.retrieval import first_rank, retrieval
from tests.reference import probes as reference


def rows(number: int, seed: int) -> torch.Tensor:
    return torch.randn(number, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_equals_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    query, gallery = rows(20, 0), rows(30, 1)
    asked = torch.arange(20) % 7
    there = torch.arange(30) % 9
    expected = reference.first_rank(query.tolist(), gallery.tolist(), asked.tolist(), there.tolist())
    assert first_rank(query, gallery, query_id=asked, gallery_id=there).tolist() == expected
    monkeypatch.setattr(module, "_BLOCK", 100)  # three queries at once
    assert first_rank(query, gallery, query_id=asked, gallery_id=there).tolist() == expected
    by_row = reference.first_rank(query.tolist(), gallery[:20].tolist(), list(range(20)), list(range(20)))
    assert first_rank(query, gallery[:20]).tolist() == by_row


def test_ties_go_to_the_lower_index() -> None:
    query = torch.eye(4)[[0, 1, 2, 3, 0, 2]]
    gallery = torch.eye(4)[[1, 0, 1, 3, 3, 2, 2]] * torch.tensor([1, 2, 4, 0.5, 1, 1, 8])[:, None]
    asked, there = torch.tensor([1, 3, 9, 4, 0, 6]), torch.tensor([3, 1, 3, 0, 4, 9, 6])
    expected = reference.first_rank(query.tolist(), gallery.tolist(), asked.tolist(), there.tolist())
    assert first_rank(query, gallery, query_id=asked, gallery_id=there).tolist() == expected


def test_by_hand() -> None:
    image = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    text = torch.tensor([[1.0, 0.0], [0.1, 0.5], [0.9, 0.05], [0.2, -1.0]])
    found = retrieval(image, text, k=(1, 2, 9))
    # the third image's cosines: second text .6 / sqrt(.26 x 2) = .83, its own .95 / sqrt(.81 x 2) = .75
    assert found == {"recall@1": 3 / 4, "recall@2": 1.0, "recall@9": 1.0}


def test_equal_embeddings_give_chance_and_a_row_finds_itself() -> None:
    same = torch.ones(50, 3)
    assert retrieval(same, same, k=(1, 10, 100)) == {"recall@1": 0.02, "recall@10": 0.2, "recall@100": 1.0}
    assert retrieval(rows(50, 0), rows(50, 0) * 3, k=(1,)) == {"recall@1": 1.0}


def test_of_several_partners_the_first_counts() -> None:
    query, gallery = torch.eye(2), torch.eye(2)[[1, 0, 0]]
    ids = {"query_id": torch.tensor([5, 6]), "gallery_id": torch.tensor([5, 6, 5])}
    assert first_rank(query, gallery, **ids).tolist() == [2, 2]


def test_refuses() -> None:
    table, ids = torch.eye(3), torch.tensor([0, 1, 2])
    for k in ((), (0, 1)):
        with pytest.raises(UserError, match="retrieval: k must be cut-offs of at least 1"):
            retrieval(table, table, k=k)
    with pytest.raises(UserError, match="rows of the gallery must be 3, one a query, got 2; or give ids"):
        retrieval(table, table[:2])
    with pytest.raises(UserError, match="ids must be given for both sides or for neither"):
        retrieval(table, table, query_id=ids)
    with pytest.raises(UserError, match="gallery_id must be 3, one a row, got 2"):
        retrieval(table, table, query_id=ids, gallery_id=ids[:2])
    with pytest.raises(UserError, match="query_id must be an id of the gallery, got 2"):
        retrieval(table, table, query_id=ids, gallery_id=ids % 2)
    with pytest.raises(UserError, match="retrieval: query must be finite"):
        retrieval(table * torch.nan, table)
