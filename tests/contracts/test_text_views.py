"""What every registered view of texts must hold; a new one is tested by being listed in TEXT_VIEWS."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.views.tokens import TEXT_VIEWS

PADDING, MASK, START, END, FIRST = 0, 2, 3, 4, 5
GIVEN: dict[str, Any] = {"padding_id": PADDING, "mask_id": MASK, "special_ids": (PADDING, MASK, START, END)}
"""What the program gives to a view that asks for it."""


def view_named(name: str, **arguments: Any) -> Any:
    parameters = inspect.signature(TEXT_VIEWS[name]).parameters
    given = {key: value for key, value in GIVEN.items() if key in parameters}
    return partial(TEXT_VIEWS[name], **{"rate": 0.4, **given, **arguments})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def texts(longest: int = 12, number: int = 16) -> Tensor:
    """Of 1 to ``longest`` different words between a start and an end."""
    tokens = torch.zeros(number, longest + 2, dtype=torch.int64)
    for row in range(number):
        length = 1 + row % longest
        tokens[row, 1 : 1 + length] = FIRST + torch.randperm(50, generator=generator(row))[:length]
        tokens[row, 0], tokens[row, 1 + length] = START, END
    return tokens


@pytest.mark.parametrize("name", TEXT_VIEWS.names())
@pytest.mark.parametrize("rate", [0.0, 0.4, 1.0])
def test_texts_stay_texts_of_their_own_words(name: str, rate: float) -> None:
    before = texts()
    view = view_named(name, rate=rate)(before, generator=generator())
    assert (view.shape, view.dtype) == (before.shape, before.dtype)
    assert torch.equal(before, texts()), "the tokens are left alone"
    for old, new in zip(before.tolist(), view.tolist(), strict=True):
        kept = [token for token in new if token != PADDING]
        assert new == kept + [PADDING] * (len(new) - len(kept)), "padding comes last"
        assert (kept[0], kept[-1]) == (START, END)
        inner = kept[1:-1]
        assert inner, "something is left"
        assert START not in inner
        assert END not in inner
        assert set(inner) <= set(old) | {MASK}
        assert len(inner) <= sum(token >= FIRST for token in old)


@pytest.mark.parametrize("name", TEXT_VIEWS.names())
def test_a_rate_of_0_is_the_identity_and_others_are_refused(name: str) -> None:
    assert torch.equal(view_named(name, rate=0.0)(texts(), generator=generator()), texts())
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(UserError, match=rf"{name}: rate must be in \[0, 1\], got {rate}"):
            view_named(name, rate=rate)(texts(), generator=generator())


@pytest.mark.parametrize("name", TEXT_VIEWS.names())
def test_the_generator_decides_and_global_ones_are_left_alone(name: str) -> None:
    view, stream, state = view_named(name), generator(), torch.get_rng_state()
    first, second, again = (view(texts(), generator=one) for one in (stream, stream, generator()))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", TEXT_VIEWS.names())
def test_every_text_draws_for_itself(name: str) -> None:
    alike = texts()[11:12].expand(16, -1)
    assert len(view_named(name)(alike, generator=generator()).unique(dim=0)) > 4


@pytest.mark.parametrize("name", TEXT_VIEWS.names())
@pytest.mark.parametrize("content", [[], [[PADDING]], [[START, END]], [[START]], [[FIRST]]])
def test_texts_with_hardly_a_word(name: str, content: list[list[int]]) -> None:
    before = torch.tensor(content) if content else torch.zeros(0, 3, dtype=torch.int64)
    view = view_named(name)(before, generator=generator())
    assert view.shape == before.shape
    assert ((view == before) | (view == MASK)).all()
