"""The named presets against loops, and what their papers say of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses.inputs import mean_weight
from sgl_rec.losses.presets import clip, moco, nt_xent, simcse
from tests.losses.pairs import assert_equals, assert_same_in_low_precision, fixed, rows
from tests.reference import pair_losses as reference

FIRST, SECOND, THIRD = rows(4, seed=1), rows(4, seed=2), rows(7, seed=3)
QUEUE = rows(6, seed=4)

Preset = Callable[..., Tensor]


def simcse_with_negatives(first: Tensor, second: Tensor, **options: Any) -> Tensor:
    return simcse(first, second, negative=fixed(6, first, seed=5), **options)


def moco_of_a_queue(query: Tensor, key: Tensor, **options: Any) -> Tensor:
    return moco(query, key, fixed(6, query, seed=4), **options)


PRESETS: dict[str, Preset] = {
    "nt_xent": nt_xent,
    "clip": clip,
    "moco": moco_of_a_queue,
    "simcse": simcse,
    "simcse with negatives": simcse_with_negatives,
}


@pytest.fixture(params=PRESETS)
def preset(request: pytest.FixtureRequest) -> Preset:
    return PRESETS[request.param]


@pytest.mark.parametrize("temperature", [0.5, 0.05, 0.005])
def test_equals_loops(temperature: float) -> None:
    first, second, queue, negative = (part.tolist() for part in (FIRST, SECOND, QUEUE, THIRD))
    assert_equals(nt_xent(FIRST, SECOND, temperature=temperature), reference.nt_xent(first, second, temperature))
    assert_equals(clip(FIRST, SECOND, temperature=temperature), reference.clip(first, second, temperature))
    assert_equals(
        moco(FIRST, SECOND, QUEUE, temperature=temperature), reference.moco(first, second, queue, temperature)
    )
    assert_equals(simcse(FIRST, SECOND, temperature=temperature), reference.simcse(first, second, temperature))
    assert_equals(
        simcse(FIRST, SECOND, temperature=temperature, negative=THIRD),
        reference.simcse(first, second, temperature, negative),
    )


def test_weighted_is_the_weighted_sum(preset: Preset) -> None:
    losses = preset(FIRST, SECOND, temperature=0.3)
    weight = torch.randn(len(losses), generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    torch.testing.assert_close(preset(FIRST, SECOND, temperature=0.3, weight=weight), weight @ losses)
    mean = preset(FIRST, SECOND, temperature=0.3, weight=mean_weight(len(losses), FIRST))
    torch.testing.assert_close(mean, losses.mean())


def leaves_of(preset: Preset, num: int, width: int) -> list[Tensor]:
    """What has a gradient: MoCo's keys have none."""
    leaves = [10 * rows(num, width, seed=seed) for seed in (1, 2)]
    return leaves[:1] if preset is moco_of_a_queue else leaves


def call(preset: Preset, *leaves: Tensor, **options: Any) -> Tensor:
    second = leaves[1] if len(leaves) > 1 else fixed(len(leaves[0]), leaves[0], seed=2)
    return preset(leaves[0], second, **options)


@pytest.mark.parametrize("weighted", [False, True])
def test_gradcheck(preset: Preset, weighted: bool) -> None:
    leaves = leaves_of(preset, 3, 3)
    num_rows = len(call(preset, *leaves, temperature=0.4))

    def loss(temperature: Tensor, *leaves: Tensor) -> Tensor:
        weight = torch.linspace(0.5, 2, num_rows, dtype=torch.float64) if weighted else None
        return call(preset, *leaves, temperature=temperature, weight=weight)

    inputs = [torch.tensor(0.4, dtype=torch.float64), *leaves]
    assert torch.autograd.gradcheck(loss, [leaf.requires_grad_() for leaf in inputs])


@pytest.mark.parametrize("num_rows", [1, 2, 9])
def test_equal_embeddings_give_the_log_of_the_candidates(num_rows: int) -> None:
    same = torch.ones(num_rows, 4)
    for value, candidates in (
        (nt_xent(same, same, temperature=0.2), 2 * num_rows - 1),
        (clip(same, same, temperature=0.2), num_rows),
        (moco(same, same, torch.ones(6, 4), temperature=0.2), 1 + 6),
        (simcse(same, same, temperature=0.2), num_rows),
        (simcse(same, same, temperature=0.2, negative=torch.ones(5, 4)), num_rows + 5),
    ):
        torch.testing.assert_close(value, torch.full_like(value, math.log(candidates)), atol=2e-6, rtol=0)


def test_a_partner_that_comes_closer_lowers_the_loss_of_its_row(preset: Preset) -> None:
    closer = SECOND.clone()
    closer[2] = torch.nn.functional.normalize(SECOND[2], dim=0) + torch.nn.functional.normalize(FIRST[2], dim=0)
    before, after = (preset(FIRST, second, temperature=0.3)[2] for second in (SECOND, closer))
    assert after < before


def test_views_swapped() -> None:
    forward, backward = nt_xent(FIRST, SECOND, temperature=0.3), nt_xent(SECOND, FIRST, temperature=0.3)
    torch.testing.assert_close(forward, backward.roll(4), msg="the same rows, the other view first")
    torch.testing.assert_close(clip(FIRST, SECOND, temperature=0.3), clip(SECOND, FIRST, temperature=0.3))
    for one_way in (moco_of_a_queue, simcse):
        swapped = one_way(SECOND, FIRST, temperature=0.3)
        assert (one_way(FIRST, SECOND, temperature=0.3) - swapped).abs().min() > 1e-3


def test_scale_and_order_do_not_matter(preset: Preset) -> None:
    losses = preset(FIRST, SECOND, temperature=0.3)
    scale = torch.logspace(-9, 9, 4, dtype=torch.float64)[:, None]
    torch.testing.assert_close(preset(scale * FIRST, 7 * SECOND, temperature=0.3), losses)
    order = torch.tensor([2, 0, 3, 1])
    shuffled = preset(FIRST[order], SECOND[order], temperature=0.3)
    torch.testing.assert_close(shuffled, losses.view(-1, 4)[:, order].reshape(-1))


@pytest.mark.parametrize("temperature", [0.005, 0.1])
def test_low_precision_equals_float64(preset: Preset, temperature: float) -> None:
    leaves = leaves_of(preset, 5, 16)
    assert_same_in_low_precision(lambda *some: call(preset, *some, temperature=temperature), *leaves, close=2e-4)


def test_one_pair_has_nothing_to_be_told_from() -> None:
    for loss in (nt_xent, clip, simcse):
        first, second = rows(1, seed=1).requires_grad_(), rows(1, seed=2).requires_grad_()
        value = loss(first, second, temperature=0.005).sum()
        value.backward()
        assert value.item() == pytest.approx(0, abs=1e-12)
        assert first.grad is not None
        assert first.grad.abs().max() < 1e-12


def test_nt_xent_leaves_out_the_anchor_alone() -> None:
    """Rows that are all apart but for an exact repeat: the repeat stays a candidate."""
    first = torch.cat([FIRST, FIRST[:1]])
    second = torch.cat([SECOND, SECOND[:1]])
    losses = nt_xent(first, second, temperature=0.05)
    assert losses[0] > math.log(2) - 1e-9, "its partner stands there twice"


def test_moco_sees_no_other_key_and_gives_keys_no_gradient() -> None:
    query, key = FIRST.clone().requires_grad_(), SECOND.clone().requires_grad_()
    losses = moco(query, key, QUEUE, temperature=0.3)
    alone = [moco(query[b : b + 1], key[b : b + 1], QUEUE, temperature=0.3) for b in range(4)]
    torch.testing.assert_close(losses, torch.cat(alone))
    losses.sum().backward()
    assert query.grad is not None
    assert key.grad is None


def test_hard_negatives_are_shared_by_all_sentences() -> None:
    negative = THIRD.clone().requires_grad_()
    for row in range(4):
        (gradient,) = torch.autograd.grad(
            simcse(FIRST, SECOND, temperature=0.3, negative=negative)[row], negative, retain_graph=True
        )
        assert gradient.abs().sum(1).min() > 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nt_xent(FIRST, SECOND[:3], temperature=0.3), r"nt_xent: second must be of the shape of first"),
        (lambda: clip(FIRST, SECOND[:, :3], temperature=0.3), r"clip: text must be of the shape of image"),
        (lambda: moco(FIRST, SECOND, QUEUE[:, :3], temperature=0.3), "moco: queue must be of width 5, got 3"),
        (lambda: moco(FIRST, SECOND, QUEUE[:0], temperature=0.3), "moco: queue must be a float matrix"),
        (
            lambda: simcse(FIRST, SECOND, temperature=0.3, negative=THIRD[:, :2]),
            "simcse: negative must be of width 5",
        ),
        (lambda: clip(FIRST, SECOND, temperature=0.0), "temperature must be finite and > 0"),
    ],
)
def test_wrong_input_is_named(call: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=message):
        call()
