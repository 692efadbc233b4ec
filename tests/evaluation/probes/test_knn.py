from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes import knn as module
from sgl_rec.evaluation.probes.knn import knn, knn_labels
from tests.reference import probes as reference


@pytest.mark.parametrize("k", [1, 2, 5, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equals_the_loops(k: int, dtype: torch.dtype) -> None:
    # Powers of two of unit vectors: lengths that change no cosine, not even its last bit.
    generator = torch.Generator().manual_seed(0)
    query, gallery = torch.eye(5)[[0, 1, 2, 3, 4, 0, 2]], torch.eye(5).repeat(8, 1)
    gallery = gallery * 2.0 ** torch.randint(-3, 4, (40, 1), generator=generator)
    label = torch.randint(3, (40,), generator=generator)
    found = knn_labels(query.to(dtype), gallery.to(dtype), label, k=k)
    assert found.tolist() == reference.knn(query.tolist(), gallery.tolist(), label.tolist(), k)


def test_equals_the_loops_on_random_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    query, gallery = (torch.randn(n, 6, generator=generator, dtype=torch.float64) for n in (30, 50))
    label = torch.randint(4, (50,), generator=generator)
    for k in (1, 7):
        expected = reference.knn(query.tolist(), gallery.tolist(), label.tolist(), k)
        assert knn_labels(query, gallery, label, k=k).tolist() == expected
        monkeypatch.setattr(module, "_VOTES", 3 * k**2)  # blocks of three rows
        assert knn_labels(query, gallery, label, k=k).tolist() == expected


def test_by_hand() -> None:
    gallery = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0], [0.3, 1.0]])
    label = torch.tensor([0, 0, 1, 1, 0])
    query = torch.tensor([[5.0, 0.0], [0.0, 0.1], [0.3, 1.0]])
    found = knn(query, torch.tensor([0, 1, 1]), gallery, label, k=3)
    assert found["accuracy"] == 1.0  # the last one's nearest alone is of class 0
    assert knn(query, torch.tensor([0, 1, 1]), gallery, label)["accuracy"] == pytest.approx(2 / 3)


def test_a_row_is_its_own_nearest_and_noise_is_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    gallery, label = torch.randn(2000, 8, generator=generator), torch.randint(5, (2000,), generator=generator)
    assert knn(gallery, label, gallery, label)["accuracy"] == 1.0
    query = torch.randn(1000, 8, generator=generator)
    guessed = torch.randint(5, (1000,), generator=generator)
    assert knn(query, guessed, gallery, label, k=5)["accuracy"] == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("k", [0, 4])
def test_refuses(k: int) -> None:
    table, label = torch.ones(3, 2), torch.tensor([0, 1, 2])
    with pytest.raises(UserError, match=f"knn: k must be in 1 .. 3, the rows of the gallery, got {k}"):
        knn(table, label, table, label, k=k)
    with pytest.raises(UserError, match="knn: gallery must be finite"):
        knn(table, label, table * torch.nan, label)
    with pytest.raises(UserError, match="knn: labels of query must be 3, one a row, got 2"):
        knn(table, label[:2], table, label)
