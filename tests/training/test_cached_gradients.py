"""Cached gradients are the plain ones, whatever the chunks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.errors import UserError
from sgl_rec.rng import draw_key, scope
from sgl_rec.training.cached_gradients import cached_backward

B, CHUNK = 32, 5


class Tower(nn.Module):
    """Two layers with dropout between them; a second input is added to the first."""

    def __init__(self, seed: int, dropout: float = 0.0, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        with scope(torch.Generator().manual_seed(seed)):
            self.layers = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Dropout(dropout), nn.Linear(16, 4))
        self.to(dtype)
        self.rows: list[int] = []

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        self.rows.append(len(first))
        mapped: Tensor = self.layers(first if second is None else first + second)
        return mapped


class Contrast(nn.Module):
    """Each row of the first picks its own of the second, at a temperature that is learnt."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(1.5, dtype=dtype))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        one, two = (nn.functional.normalize(rows, dim=1) for rows in (first, second))
        return nn.functional.cross_entropy(one @ two.T * self.log_scale.exp(), torch.arange(len(first)))


def batch(seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(B, 6, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def gradients(*modules: nn.Module) -> list[Tensor]:
    """What has gathered, and a clean start."""
    found = [one.grad for module in modules for one in module.parameters()]
    assert all(one is not None for one in found)
    for module in modules:
        module.zero_grad()
    return [one for one in found if one is not None]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("chunk_size", [1, CHUNK, B, 100])
def test_one_encoder_for_both_views(dtype: torch.dtype, chunk_size: int) -> None:
    tower, loss = Tower(0, dtype=dtype), Contrast(dtype)
    first, second = batch(1, dtype), batch(2, dtype)
    plain = loss(tower(first), tower(second))
    plain.backward()
    expected = gradients(tower, loss)
    value = cached_backward(
        [(tower, (first,)), (tower, (second,))], loss, chunk_size=chunk_size, generator=torch.Generator()
    )
    assert not value.requires_grad
    assert abs(float(value - plain.detach())) < 1e-6
    for got, want in zip(gradients(tower, loss), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-6)


def test_two_encoders_with_dropout_draw_the_same_in_both_passes() -> None:
    image, text, loss = Tower(0, 0.5), Tower(1, 0.3), Contrast()
    passes = [(image, (batch(1),)), (text, (batch(2), batch(3)))]
    value = cached_backward(passes, loss, chunk_size=CHUNK, generator=torch.Generator().manual_seed(4))
    got = gradients(image, text, loss)
    # The plain gradient of the same draws: every chunk in its scope, with the graph kept.
    stream = torch.Generator().manual_seed(4)
    embeddings = []
    for encoder, inputs in passes:
        rows = []
        for start in range(0, B, CHUNK):
            with scope(torch.Generator().manual_seed(draw_key(stream))):
                rows.append(encoder(*(one[start : start + CHUNK] for one in inputs)))
        embeddings.append(torch.cat(rows))
    plain = loss(*embeddings)
    plain.backward()
    assert abs(float(value - plain.detach())) < 1e-6
    for one, want in zip(got, gradients(image, text, loss), strict=True):
        torch.testing.assert_close(one, want, rtol=1e-6, atol=1e-9)


def test_dropout_differs_from_chunk_to_chunk_and_leaves_the_global_generators() -> None:
    tower, seen = Tower(0, 0.5), []

    def loss(embedding: Tensor) -> Tensor:
        seen.append(embedding.detach().clone())
        return embedding.sum()

    state = torch.get_rng_state()
    alike = batch(1)[:1].expand(B, -1)
    cached_backward([(tower, (alike,))], loss, chunk_size=4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), state)
    assert len(seen[0].unique(dim=0)) > 20


def test_no_more_than_a_chunk_is_encoded_at_once() -> None:
    tower = Tower(0)
    cached_backward(
        [(tower, (batch(1),))], lambda rows: rows.sum(), chunk_size=CHUNK, generator=torch.Generator()
    )
    assert tower.rows == [5, 5, 5, 5, 5, 5, 2] * 2


def test_gradients_add_to_what_is_there() -> None:
    tower = Tower(0)
    twice = [
        cached_backward(
            [(tower, (batch(1),))], lambda rows: rows.sum(), chunk_size=9, generator=torch.Generator()
        )
        for _ in range(2)
    ]
    assert twice[0] == twice[1]
    summed = gradients(tower)
    cached_backward([(tower, (batch(1),))], lambda rows: rows.sum(), chunk_size=9, generator=torch.Generator())
    for got, want in zip(summed, gradients(tower), strict=True):
        torch.testing.assert_close(got, 2 * want)


def test_a_frozen_encoder_passes_once_and_one_that_the_loss_ignores_too() -> None:
    frozen, ignored, trained = Tower(0).requires_grad_(False), Tower(1), Tower(2)
    cached_backward(
        [(frozen, (batch(1),)), (ignored, (batch(2),)), (trained, (batch(3),))],
        lambda first, second, third: (first * third).sum(),
        chunk_size=B,
        generator=torch.Generator(),
    )
    assert (frozen.rows, ignored.rows, trained.rows) == ([B], [B], [B, B])
    assert gradients(trained)


@pytest.mark.parametrize(
    ("passes", "chunk_size", "message"),
    [
        ([], 4, "passes must be at least one"),
        ([(Tower(0), (batch(1),))], 0, "chunk_size must be at least 1, got 0"),
        ([(Tower(0), (batch(1), batch(2)[:3]))], 4, r"tensors of as many rows, one at least, got \[3, 32\]"),
        ([(Tower(0), ())], 4, "tensors of as many rows"),
        (
            [(nn.BatchNorm1d(6), (batch(1),))],
            4,
            "without a batch norm in training mode, got one with it; use a norm",
        ),
    ],
)
def test_what_does_not_fit(
    passes: list[tuple[nn.Module, tuple[Tensor, ...]]], chunk_size: int, message: str
) -> None:
    with pytest.raises(UserError, match=f"cached_backward: .*{message}"):
        cached_backward(passes, lambda rows: rows.sum(), chunk_size=chunk_size, generator=torch.Generator())


def test_a_batch_norm_that_does_not_look_at_the_batch_is_no_obstacle() -> None:
    norm = nn.BatchNorm1d(6).double().eval()
    cached_backward([(norm, (batch(1),))], lambda rows: rows.sum(), chunk_size=4, generator=torch.Generator())
    assert torch.equal(gradients(norm)[1], torch.full((6,), float(B), dtype=torch.float64))
