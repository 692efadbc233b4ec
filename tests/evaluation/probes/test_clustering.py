from __future__ import annotations

import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.clustering import clustering
from sgl_rec.rng import draw_key
from tests.reference import probes as reference


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(spread: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Three directions, at any length."""
    label = torch.arange(60) % 3
    rows = torch.eye(3)[label] + spread * torch.randn(60, 3, generator=generator(1))
    return rows * 10 ** torch.randn(60, 1, generator=generator(2)), label


def test_directions_are_found_at_any_length() -> None:
    assert clustering(*made(0.05), generator=generator())["nmi"] == pytest.approx(1.0)


def test_equals_the_loops_over_the_same_clusters() -> None:
    rows, label = made(0.6)
    found = clustering(rows, label, num_clusters=4, num_starts=3, generator=generator(7))
    unit = torch.nn.functional.normalize(rows.double(), dim=1).numpy()
    cluster = KMeans(4, n_init=3, random_state=draw_key(generator(7)) % 2**32).fit_predict(unit)
    expected = reference.mutual_information(label.tolist(), cluster.tolist())
    assert 0.1 < expected < 0.9
    assert found["nmi"] == pytest.approx(expected, abs=1e-3)
    assert normalized_mutual_info_score(label, cluster) == pytest.approx(expected)


def test_noise_is_near_zero() -> None:
    rows = torch.randn(500, 3, generator=generator(3))
    assert clustering(rows, torch.arange(500) % 3, num_starts=1, generator=generator())["nmi"] < 0.03


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_clusters": 0}, "num_clusters must be in 1 .. 60, the number of rows, got 0"),
        ({"num_clusters": 61}, "num_clusters must be in 1 .. 60"),
        ({"num_starts": 0}, "num_starts must be at least 1, got 0"),
    ],
)
def test_refuses(change: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=f"clustering: {message}"):
        clustering(*made(0.1), **change, generator=generator())
