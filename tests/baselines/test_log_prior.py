"""Scores with a prior of popularity, against plain arithmetic."""

from __future__ import annotations

import math

import pytest
import torch

from sgl_rec.baselines.log_prior import log_prior
from sgl_rec.errors import UserError
from sgl_rec.types import Embeddings

TABLE = Embeddings(
    torch.randn(4, 3, generator=torch.Generator().manual_seed(0)),
    torch.randn(5, 3, generator=torch.Generator().manual_seed(1)),
)
COUNT = torch.tensor([0, 1, 2, 30, 400])


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("weight", [0.0, 0.7, 1.0])
def test_it_is_the_sum_of_both(similarity: str, weight: float) -> None:
    found = log_prior(TABLE, COUNT, similarity=similarity, temperature=0.2, weight=weight)  # type: ignore[arg-type]
    for u, user in enumerate(TABLE.user.tolist()):
        for i, item in enumerate(TABLE.item.tolist()):
            value = sum(a * b for a, b in zip(user, item, strict=True))
            if similarity == "cosine":
                value /= math.hypot(*user) * math.hypot(*item)
            expected = value / 0.2 + weight * math.log(max(1, int(COUNT[i])))
            assert float(found.scores(torch.tensor([u]))[0, i]) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_a_large_weight_is_popularity() -> None:
    order = log_prior(TABLE, COUNT, weight=1e6).scores(torch.arange(4)).argsort(descending=True)
    assert order[:, :3].tolist() == [[4, 3, 2]] * 4


def test_a_row_of_zeros_has_the_prior_alone() -> None:
    nobody = Embeddings(torch.zeros(1, 3), TABLE.item)
    scores = log_prior(nobody, COUNT, temperature=0.1).scores(torch.tensor([0]))
    torch.testing.assert_close(scores[0], COUNT.clamp(min=1).float().log())


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"weight": -1.0}, "weight"),
        ({"weight": math.inf}, "weight"),
    ],
)
def test_wrong_values(arguments: dict[str, float], name: str) -> None:
    with pytest.raises(UserError, match=f"log_prior: {name} must be"):
        log_prior(TABLE, COUNT, **arguments)  # type: ignore[arg-type]
