"""The content tower against plain arithmetic, and what it does not look at."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sgl_rec.encoders.content_tower import ContentTower
from sgl_rec.errors import UserError
from tests.reference.content import tower_input

WIDTHS, NUM_ITEMS = (3, 5), 8
LEARNT = [0, 1, 2, 3, 5, 6]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(**options: Any) -> ContentTower:
    usual: dict[str, Any] = {"embedding_dim": 4, "hidden_dim": 6, "generator": generator()}
    return ContentTower(options.pop("widths", WIDTHS), **{**usual, **options}).eval()


def blocks() -> list[Tensor]:
    draw = generator(7)
    return [torch.randn(NUM_ITEMS, width, generator=draw) for width in WIDTHS]


def known() -> Tensor:
    """Items 2 and 4 lack the first block, items 3 and 7 the second, item 6 both."""
    mask = torch.ones(NUM_ITEMS, 2, dtype=torch.bool)
    mask[[2, 4, 6], 0] = False
    mask[[3, 6, 7], 1] = False
    return mask


def fitted(rows: list[Tensor], **options: Any) -> ContentTower:
    tower = make(**options)
    tower.fit_scale([block[LEARNT] for block in rows], known()[LEARNT])
    return tower


def test_the_equation_by_hand() -> None:
    tower = fitted(blocks())
    expected = tower_input([block.double().tolist() for block in blocks()], known().tolist(), LEARNT)
    x = torch.tensor(expected, dtype=torch.float64)
    h = (x @ tower.hidden.weight.double().T + tower.hidden.bias.double()).clamp(min=0)
    place, popularity = tower(blocks(), known())
    torch.testing.assert_close(place, (h @ tower.out.weight.double().T + tower.out.bias.double()).float())
    torch.testing.assert_close(
        popularity, (h @ tower.count.weight.double()[0] + tower.count.bias.double()).float()
    )
    assert (place.shape, popularity.shape) == ((NUM_ITEMS, 4), (NUM_ITEMS,))


def test_before_the_scale_is_known_it_is_one() -> None:
    tower = make()
    h = torch.relu(tower.hidden(2 * torch.cat(blocks(), dim=1)))  # the root of 8 numbers in 2 blocks
    torch.testing.assert_close(tower(blocks(), torch.ones(NUM_ITEMS, 2, dtype=torch.bool)).place, tower.out(h))


def test_numbers_about_one_whatever_the_widths() -> None:
    """The mean square of all that goes in is about 1: what a layer's start expects."""
    draw, widths = generator(1), (2, 200)
    rows = [torch.randn(500, width, generator=draw) for width in widths]
    there = torch.ones(500, 2, dtype=torch.bool)
    tower = make(widths=widths, hidden_dim=202, embedding_dim=202)
    tower.fit_scale(rows, there)
    seen: list[Tensor] = []
    tower.hidden.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    tower(rows, there)
    assert 0.8 < float(seen[0].square().mean()) < 1.3
    first, second = (
        float(part.square().sum(1).mean()) for part in torch.split_with_sizes(seen[0], widths, dim=1)
    )
    assert 0.7 < first / second < 1.5


@pytest.mark.parametrize(
    ("scale", "shift"), [(1000.0, 0.0), (1.0, 8.0), (0.001, 0.5), (1000.0, -3000.0), (-1.0, 0.0)]
)
@pytest.mark.parametrize("number", [0, 1])
def test_scale_and_shift_of_a_block_do_not_matter(number: int, scale: float, shift: float) -> None:
    plain, other = blocks(), blocks()
    if scale < 0:  # turned round, that is: the map of the block as well
        other[number] = -other[number]
        turned = fitted(other)
        columns = slice(0, WIDTHS[0]) if number == 0 else slice(WIDTHS[0], None)
        with torch.no_grad():
            turned.hidden.weight[:, columns] *= -1
    else:
        other[number] = scale * other[number] + shift
        turned = fitted(other)
    for one, same in zip(fitted(plain)(plain, known()), turned(other, known()), strict=True):
        torch.testing.assert_close(same, one, rtol=1e-4, atol=1e-5)


def test_an_unknown_block_counts_as_its_mean() -> None:
    """And what stands in its row is not looked at, nor in learning the scale."""
    other = blocks()
    for number, block in enumerate(other):
        block[~known()[:, number]] = 1e4
    tower, again = fitted(blocks()), fitted(other)
    assert torch.equal(tower.mean, again.mean)
    assert torch.equal(tower.scale, again.scale)
    filled = blocks()
    for number, mean in enumerate(torch.split_with_sizes(tower.mean, WIDTHS)):
        filled[number][~known()[:, number]] = mean
    place = tower(blocks(), known()).place
    torch.testing.assert_close(again(other, known()).place, place)
    torch.testing.assert_close(tower(filled, torch.ones_like(known())).place, place)


def test_a_block_that_nobody_has() -> None:
    """It is 0, also for an item that comes later and has it as nobody had."""
    tower, mask = make(), known()
    mask[:, 1] = False
    tower.fit_scale(blocks(), mask)
    assert (tower.mean[WIDTHS[0] :].tolist(), tower.scale[1].item()) == ([0.0] * 5, 1.0)
    found = tower(blocks(), mask)
    assert all(bool(part.isfinite().all()) for part in found)
    other = [blocks()[0], 3 + blocks()[1]]
    assert torch.equal(tower(other, mask).place, found.place)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 0.3, 7.7, 1000.1])
@pytest.mark.parametrize("number", [1, 3, 7, 100])
def test_a_block_where_all_are_alike_stays_zero(value: float, number: int) -> None:
    """Also where the mean of equal numbers is not quite that number."""
    rows, there = torch.full((number, 3), value), torch.ones(number, 1, dtype=torch.bool)
    tower = make(widths=[3])
    tower.fit_scale([rows], there)
    torch.testing.assert_close(tower([rows], there).place, tower([rows], ~there).place, rtol=0, atol=1e-3)
    other = tower([rows + 1], there).place
    assert other.detach().abs().max() < 100  # of an item that comes later and is not alike


def test_the_generator_decides_the_start_and_nothing_else_is_drawn() -> None:
    state = torch.get_rng_state()
    tower, again, other = (make(generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    for one, same, another in zip(tower.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, same)
        assert not torch.equal(one, another)


def test_numbers_are_dropped_in_training_alone() -> None:
    tower = fitted(blocks(), drop_rate=0.5)
    still = tower(blocks(), known()).place
    assert torch.equal(tower(blocks(), known()).place, still)
    tower.train()
    torch.manual_seed(0)
    one, other = (tower(blocks(), known()).place for _ in range(2))
    assert not torch.equal(one, other)
    assert torch.equal(tower.eval()(blocks(), known()).place, still)


def test_nothing_is_dropped_at_a_rate_of_zero() -> None:
    tower = fitted(blocks(), drop_rate=0.0)
    assert torch.equal(tower.train()(blocks(), known()).place, tower.eval()(blocks(), known()).place)


def test_the_scale_is_saved_with_the_weights() -> None:
    tower, other = fitted(blocks()), make(generator=generator(5))
    other.load_state_dict(tower.state_dict())
    assert torch.equal(other(blocks(), known()).place, tower(blocks(), known()).place)
    assert {name for name, _ in tower.named_parameters()} == {
        f"{layer}.{kind}" for layer in ("hidden", "out", "count") for kind in ("weight", "bias")
    }


def test_every_item_is_alone() -> None:
    tower, rows = fitted(blocks()), torch.tensor([5, 2])
    some = tower([block[rows] for block in blocks()], known()[rows])
    torch.testing.assert_close(some.place, tower(blocks(), known()).place[rows])
    torch.testing.assert_close(some.popularity, tower(blocks(), known()).popularity[rows])


@pytest.mark.parametrize("kind", [torch.float64, torch.float16])
def test_other_kinds_of_numbers(kind: torch.dtype) -> None:
    rows = [block.to(kind) for block in blocks()]
    torch.testing.assert_close(
        fitted(rows)(rows, known()).place, fitted(blocks())(blocks(), known()).place, rtol=1e-2, atol=1e-2
    )


def test_values_out_of_range() -> None:
    for widths in ([], [3, 0], [-1]):
        with pytest.raises(UserError, match="ContentTower: widths must be one or more numbers of at least 1"):
            make(widths=widths)
    for rate in (-0.1, 1.0, float("nan")):
        with pytest.raises(UserError, match=r"ContentTower: drop_rate must be in \[0, 1\), got"):
            make(drop_rate=rate)
