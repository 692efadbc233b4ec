"""Guessing must not change a list: against scoring every item closely, on embeddings that are made to mislead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from sgl_rec.kernels import top_k_cpu as module
from sgl_rec.kernels.top_k_cpu import Catalogue, Hidden
from tests.reference.ranking import best_items

NONE = torch.empty(0, dtype=torch.int64)
K = 12


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def near_ties() -> tuple[Tensor, Tensor]:
    return random(40, 32), random(32, seed=1) + 1e-6 * random(700, 32, seed=2)


def rounded_apart() -> tuple[Tensor, Tensor]:
    """The last 20 items are best, and lose the most: where they and the users are rounded, and then the score."""
    item = torch.full((900, 64), 0.5)
    item[::30] = 1 + 0.51 * 2.0**-7
    item[::30, 0] += 2.0**-4
    item[-20:] = 1 + 0.49 * 2.0**-7
    item[-20:, :31] += 2.0**-7
    return torch.full((8, 64), 1 + 0.49 * 2.0**-7), item + 1e-6 * random(900, 64).abs()


def many_lengths() -> tuple[Tensor, Tensor]:
    exponent = torch.randint(-40, 40, (800, 1), generator=torch.Generator().manual_seed(4))
    return random(40, 16) * torch.exp2(random(40, 1, seed=5) * 9), random(800, 16, seed=3) * torch.exp2(exponent)


FAMILIES = {
    "random": lambda: (random(60, 64), random(3000, 64, seed=1)),
    "near ties": near_ties,
    "rounded apart": rounded_apart,
    "many lengths": many_lengths,
    "cancelling": lambda: (
        random(40, 32) + 100,
        random(800, 32, seed=1) - random(800, 32, seed=1).mean(1)[:, None],
    ),
    "repeated": lambda: (random(40, 8), random(20, 8, seed=1).repeat(40, 1)),
    "one item": lambda: (random(40, 8), random(1, 8, seed=1).expand(500, 8).contiguous()),
    "zero users": lambda: (random(40, 8) * (torch.arange(40) % 2)[:, None], random(500, 8, seed=1)),
    "zero items": lambda: (random(40, 8), random(500, 8, seed=1) * (torch.arange(500) % 3 == 0)[:, None]),
    "denormal": lambda: (random(40, 8) * 1e-22, random(500, 8, seed=1) * 1e-20),
    "denormal users": lambda: (random(40, 8) * 1e-41, random(500, 8, seed=1) * 1e15),
    "huge": lambda: (random(40, 8) * 1e18, random(500, 8, seed=1) * 1e18),
    "narrow": lambda: (random(40, 1), random(500, 1, seed=1)),
    "wide": lambda: (random(10, 1500), random(300, 1500, seed=1)),
}


def lists_of(user: Tensor, item: Tensor, *, k: int = K, tile_bytes: int = module.TILE_BYTES) -> list[Tensor]:
    hidden = Hidden.build((len(user), len(item)), seen_row=NONE, seen_item=NONE, allowed=None)
    lists = Catalogue(item, tile_bytes=tile_bytes).top_k(user, k=k, hidden=hidden)
    assert lists is not None
    return list(lists)


def scored_closely(user: Tensor, item: Tensor, monkeypatch: pytest.MonkeyPatch, *, k: int = K) -> list[Tensor]:
    """The lists where a guess may be off by anything, so that every item is scored in float32."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "has_fast_bfloat16", lambda device: False)
        patch.setattr(Catalogue, "_radii", lambda self, size: np.full((len(size), 3), (0, 0, 3e38), np.float32))
        return lists_of(user, item, k=k)


@pytest.fixture(params=["bfloat16", "float32", "rounded float32"])
def guess(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which product makes the guess; the last is what ``set_float32_matmul_precision`` may ask for."""
    monkeypatch.setattr(module, "has_fast_bfloat16", lambda device: request.param == "bfloat16")
    before = torch.get_float32_matmul_precision()
    if request.param == "rounded float32":
        torch.set_float32_matmul_precision("medium")
    yield request.param
    torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("family", FAMILIES)
def test_lists_are_those_of_the_float32_scores(family: str, guess: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user, item = FAMILIES[family]()
    expected = scored_closely(user, item, monkeypatch)
    for tile_bytes in (1, 10_000, module.TILE_BYTES):
        items, best = lists_of(user, item, tile_bytes=tile_bytes)
        assert torch.equal(items, expected[0])
        assert torch.equal(best, expected[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_scored_closely_are_the_float32_scores(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against float64 loops: the same lists but for items that float32 cannot tell apart."""
    user, item = (rows[:200] for rows in FAMILIES[family]())
    items, best = scored_closely(user[:5], item, monkeypatch)
    expected, scores = best_items(user[:5].tolist(), item.tolist(), K)
    off = (1e-6 * user[:5].double().norm(dim=1) * item.double().norm(dim=1).max() + 1e-44)[:, None]
    close = torch.tensor(scores)
    assert ((best - torch.tensor(expected[1])).abs() <= off).all()
    assert ((close.gather(1, items) - best).abs() <= off).all()
    assert all(len(set(row)) == K for row in items.tolist())


@pytest.mark.parametrize("part", ["radius", "rounding"])
def test_these_embeddings_do_mislead_a_guess_that_is_believed(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user, item = rounded_apart()
    expected = scored_closely(user, item, monkeypatch)
    assert expected[0].min() >= 880
    monkeypatch.setattr(module, "has_fast_bfloat16", lambda device: True)
    assert torch.equal(lists_of(user, item)[0], expected[0])
    if part == "radius":
        monkeypatch.setattr(Catalogue, "_radii", lambda self, size: np.zeros((len(size), 3), np.float32))
    else:
        monkeypatch.setattr(module, "_HALF_ROUNDING", 0.0)
    assert lists_of(user, item)[0].max() < 880


@pytest.mark.parametrize("family", ["random", "near ties", "repeated"])
def test_threads_and_neighbours_change_nothing(family: str) -> None:
    user, item = FAMILIES[family]()
    torch.set_num_threads(1)
    expected = lists_of(user, item)
    torch.set_num_threads(2)
    try:
        together = lists_of(user, item)
    finally:
        torch.set_num_threads(1)
    for one, other in zip(expected, together, strict=True):
        assert torch.equal(one, other)
    for row in range(3):
        alone = lists_of(user[row : row + 1], item)
        assert torch.equal(alone[0][0], expected[0][row])
        assert torch.equal(alone[1][0], expected[1][row])


def test_rows_that_a_guess_is_too_coarse_for_guess_again(monkeypatch: pytest.MonkeyPatch) -> None:
    user, item = near_ties()
    item = torch.cat([item] * 4)
    asked: list[tuple[torch.dtype, int]] = []

    def spy(self: Catalogue, rows: Tensor, guess: module._Guess, **others: object) -> Tensor:
        asked.append((guess.item.dtype, len(rows)))
        return rank(self, rows, guess, **others)  # type: ignore[arg-type]

    rank = Catalogue._rank
    monkeypatch.setattr(Catalogue, "_rank", spy)
    monkeypatch.setattr(module, "has_fast_bfloat16", lambda device: True)
    lists_of(torch.cat([user, random(40, 32)]), item, tile_bytes=8 * len(item))
    assert asked == [(torch.bfloat16, 80), (torch.float32, 80)]
    easy = random(2800, 32, seed=7)
    lists_of(user, easy)
    assert asked[2:] == [(torch.bfloat16, 40), (torch.float32, 0)]


@pytest.mark.parametrize("side", ["user", "item"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e38])
def test_what_may_overflow_is_left_to_others(side: str, value: float) -> None:
    user, item = random(5, 4), random(100, 4) * 10
    (user if side == "user" else item)[2, 1] = value
    hidden = Hidden.build((5, 100), seen_row=NONE, seen_item=NONE, allowed=None)
    assert Catalogue(item).top_k(user, k=2, hidden=hidden) is None


def test_lengths_are_never_too_short() -> None:
    rows = torch.cat([random(3000, 7) * torch.exp2(15 * random(3000, 1, seed=1)), torch.zeros(1, 7)])
    lengths = module._lengths(rows, rows.to(torch.bfloat16))
    lost = rows.double() - rows.to(torch.bfloat16).double()
    for column, vectors in enumerate((rows.double(), lost)):
        exact = vectors.square().sum(dim=1).sqrt().numpy()
        assert (lengths[:, column] >= exact).all()
        assert (lengths[:, column] <= exact * (1 + 1e-5) + 1e-44).all()
    assert (lengths[-1] == 0).all()
