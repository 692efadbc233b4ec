"""Which rows each term looks at, against loops over a small step with repeats on both sides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor

from sgl_rec.errors import UserError
from sgl_rec.losses import terms
from sgl_rec.losses.terms import BprTerm, InfoNceTerm, L2Term
from sgl_rec.types import Batch, Embeddings, Step
from tests.reference import contrastive, ranking

NUM_USERS, NUM_ITEMS = 5, 7
BATCH = Batch(torch.tensor([3, 0, 3, 4, 3]), torch.tensor([6, 6, 1, 2, 0]), torch.tensor([5, 3, 3, 0, 4]))


def table(seed: int) -> Embeddings:
    drawn = torch.randn(NUM_USERS + NUM_ITEMS, 4, generator=torch.Generator().manual_seed(seed)).double()
    return Embeddings(*(part.clone().requires_grad_() for part in drawn.split([NUM_USERS, NUM_ITEMS])))


def step() -> Step:
    return Step(BATCH, table(0), table(1), (table(2), table(3)))


def triple(of: Embeddings) -> list[list[list[float]]]:
    return [
        of.user[BATCH.user].tolist(),
        of.item[BATCH.positive].tolist(),
        of.item[BATCH.negative].tolist(),
    ]


def sides(of: Embeddings) -> tuple[list[list[float]], list[list[float]]]:
    return of.user.tolist(), of.item.tolist()


def test_bpr_looks_at_the_embeddings() -> None:
    losses = ranking.bpr(*triple(step().embeddings))
    assert BprTerm()(step()).item() == pytest.approx(sum(losses) / 5, rel=1e-12)


def test_l2_looks_at_layer_0() -> None:
    losses = ranking.l2(*triple(step().initial))
    assert L2Term()(step()).item() == pytest.approx(sum(losses) / 5, rel=1e-12)


@pytest.fixture(params=["as many as there are", "as on a GPU"])
def _shapes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to make anchors of a batch: each node once, or rows of a fixed number."""
    monkeypatch.setattr(terms, "_has_fixed_shapes", lambda nodes: request.param == "as on a GPU")


LOOPS = {"all": contrastive.sgl, "batch": contrastive.sgl_batch, "batch-unique": contrastive.simgcl}


@pytest.mark.usefixtures("_shapes")
@pytest.mark.parametrize("candidates", LOOPS)
def test_info_nce_apart(candidates: Any) -> None:
    first, second = (sides(view) for view in step().views)
    expected = LOOPS[candidates](first[0], second[0], BATCH.user.tolist(), 0.3)
    expected += LOOPS[candidates](first[1], second[1], BATCH.positive.tolist(), 0.3)
    value = InfoNceTerm(temperature=0.3, candidates=candidates)(step())
    assert value.item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.usefixtures("_shapes")
@pytest.mark.parametrize("candidates", LOOPS)
def test_info_nce_merged(candidates: Any) -> None:
    first, second = (sides(view) for view in step().views)
    nodes = (BATCH.user.tolist(), BATCH.positive.tolist())
    expected = contrastive.merged(first, second, nodes, 0.3, candidates=candidates)
    value = InfoNceTerm(temperature=0.3, candidates=candidates, sides="merged")(step())
    assert value.item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.usefixtures("_shapes")
@pytest.mark.parametrize("candidates", LOOPS)
@pytest.mark.parametrize("merged", ["apart", "merged"])
def test_gradients_reach_both_views_and_nothing_else(candidates: Any, merged: Any) -> None:
    this = step()
    InfoNceTerm(candidates=candidates, sides=merged)(this).backward()
    for view in this.views:
        assert view.user.grad is not None
        assert view.item.grad is not None
        assert view.user.grad[[3, 0, 4]].abs().sum(1).min() > 0
        assert view.item.grad[[6, 1, 2, 0]].abs().sum(1).min() > 0
    assert this.views[0].user.grad[[1, 2]].abs().max() == 0  # not in the batch: no anchors
    assert (this.views[1].user.grad[[1, 2]].abs().min() > 0) == (candidates == "all")
    assert this.embeddings.user.grad is this.initial.user.grad is None


@pytest.mark.parametrize("candidates", LOOPS)
def test_views_swapped_are_another_loss(candidates: Any) -> None:
    term = InfoNceTerm(candidates=candidates)
    swapped = replace(step(), views=step().views[::-1])
    assert abs(term(step()) - term(swapped)) > 1e-3


@pytest.mark.parametrize("num_views", [0, 1, 3])
def test_two_views_are_needed(num_views: int) -> None:
    views = (*step().views, table(9))[:num_views]
    with pytest.raises(UserError, match=f"info_nce: views must be exactly two, got {num_views}; "):
        InfoNceTerm()(replace(step(), views=views))


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
    ],
)
def test_temperature_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="temperature must be finite and > 0"):
        InfoNceTerm(**wrong)


def test_unknown_choice_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=r"candidates must be one of all, batch, batch-unique, got 'every'"):
        InfoNceTerm(candidates="every")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"sides must be one of apart, merged"):
        InfoNceTerm(sides="both")  # type: ignore[arg-type]


def test_precision_reaches_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(UserError, match=r"precision must be one of float32, bfloat16, got 'half'"):
        InfoNceTerm(precision="half")  # type: ignore[arg-type]
    views = [Embeddings(view.user.detach().float(), view.item.detach().float()) for view in step().views]

    def gradient(**options: Any) -> Tensor:
        first = Embeddings(views[0].user.clone().requires_grad_(), views[0].item)
        return torch.autograd.grad(InfoNceTerm(**options)(replace(step(), views=(first, views[1]))), first.user)[
            0
        ]

    whole, low = gradient(), gradient(precision="bfloat16")
    assert not torch.equal(whole, low)
    torch.testing.assert_close(low, whole, rtol=2e-2, atol=2e-2 * whole.abs().max().item())


def test_all_with_repeats_counted_equals_all_with_repeats_computed() -> None:
    """The cheaper form has the gradients of the plain one, too."""

    def gradient(unique: bool) -> list[Tensor]:
        this = step()
        first, second = this.views
        if unique:
            value = InfoNceTerm(temperature=0.2)(this)
        else:
            value = torch.zeros(())
            for nodes, one, two in (
                (BATCH.user, first.user, second.user),
                (BATCH.positive, first.item, second.item),
            ):
                logits = torch.nn.functional.normalize(one)[nodes] @ torch.nn.functional.normalize(two).T
                value = value + torch.nn.functional.cross_entropy(logits / 0.2, nodes)
        return list(torch.autograd.grad(value, [first.user, first.item, second.user, second.item]))

    torch.testing.assert_close(gradient(True), gradient(False), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("candidates", LOOPS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_fixed_shapes_give_the_same_gradients(
    candidates: Any, precision: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, gradients = [], []
    for fixed in (False, True):
        monkeypatch.setattr(terms, "_has_fixed_shapes", lambda nodes, fixed=fixed: fixed)
        views = tuple(
            Embeddings(*(side.detach().float().requires_grad_() for side in (view.user, view.item)))
            for view in step().views
        )
        value = InfoNceTerm(temperature=0.3, candidates=candidates, precision=precision)(
            replace(step(), views=views)
        )
        value.backward()
        values.append(value)
        gradients.append(torch.cat([side.grad for view in views for side in (view.user, view.item)]))
    close = {"float32": 1e-6, "bfloat16": 1e-2}[precision]
    torch.testing.assert_close(values[0], values[1], rtol=close, atol=close)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=close, atol=close)
