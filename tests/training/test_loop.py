from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from sgl_rec.data.batches import Batches
from sgl_rec.encoders.lightgcn import LightGCN
from sgl_rec.errors import UserError
from sgl_rec.graph.build import build_graph
from sgl_rec.losses import Objective
from sgl_rec.losses.terms import BprTerm, InfoNceTerm, L2Term
from sgl_rec.ranking import rank
from sgl_rec.rng import stream
from sgl_rec.training.interrupt import Interrupted, StopRequest
from sgl_rec.training.learner import GraphLearner
from sgl_rec.training.loop import Fitted, Nobody, Trainer
from sgl_rec.training.stopping import EarlyStopping
from sgl_rec.types import Embeddings, Graph, Interactions, PairIndex, Terms
from sgl_rec.views.edge_drop import edge_drop


def checkerboard(num_users: int = 12, num_items: int = 17) -> Interactions:
    """Even users like even items, odd users odd ones: not square, and exactly learnable."""
    user, item = np.nonzero((np.arange(num_users)[:, None] + np.arange(num_items)[None]) % 2 == 0)
    return Interactions(user, item, num_users, num_items)


def thinned(pairs: Interactions) -> tuple[Interactions, Interactions]:
    """A fifth of the pairs, drawn at random, is held out."""
    held = np.random.default_rng(0).random(len(pairs)) < 0.2
    return pairs.take(~held), pairs.take(held)


def make(
    pairs: Interactions,
    *,
    max_epochs: int,
    learning_rate: float = 0.05,
    contrast: bool = True,
    checkpoint: Path | None = None,
    validate: Callable[[Embeddings], Mapping[str, float]] | None = None,
    stopping: EarlyStopping | None = None,
    observer: Nobody | None = None,
    stop: StopRequest | None = None,
    seed: int = 0,
    cuda_graph: bool = False,
) -> Trainer:
    graph = build_graph(pairs)
    terms: dict[str, tuple[torch.nn.Module, float]] = {"ranking": (BprTerm(), 1.0), "penalty": (L2Term(), 1e-4)}
    if contrast:
        terms["contrastive"] = (InfoNceTerm(temperature=0.5), 0.02)

    def draw(epoch: int, step: int) -> tuple[Graph, ...]:
        generator = stream(seed, f"views/{epoch}")
        return tuple(edge_drop(graph, drop_rate=0.2, generator=generator) for _ in range(2 if contrast else 0))

    generator = stream(seed, "initial")
    encoder = LightGCN(pairs.num_users, pairs.num_items, embedding_dim=8, num_layers=2, generator=generator)
    return Trainer(
        GraphLearner(encoder, Objective(terms), graph=graph, draw_views=draw),
        batches=Batches(pairs, batch_size=16, seed=seed),
        learning_rate=learning_rate,
        max_epochs=max_epochs,
        validate=validate,
        metric="m",
        stopping=stopping,
        checkpoint=checkpoint,
        observer=observer,
        stop=stop,
        cuda_graph=cuda_graph,
    )


def bits(fitted: Fitted) -> list[torch.Tensor]:
    return [fitted.embeddings.user, fitted.embeddings.item, *fitted.parameters.values()]


def same(one: Fitted, two: Fitted) -> bool:
    return all(torch.equal(left, right) for left, right in zip(bits(one), bits(two), strict=True))


def terms_of(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if not key.startswith("seconds")} for row in history]


def test_a_recorded_step_is_for_gpus_alone() -> None:
    """On the CPU the option changes nothing."""
    plain, recorded = (make(checkerboard(), max_epochs=1, cuda_graph=on).fit() for on in (False, True))
    assert same(plain, recorded)


def test_two_steps_equal_a_hand_written_loop() -> None:
    """Dense float32 algebra, plain autograd, Adam by its equations: no part of ours but the batches."""
    pairs = checkerboard()
    trainer = make(pairs, max_epochs=1, contrast=False)
    table = trainer.encoder.nodes.detach().clone().double()
    epoch = trainer.batches.epoch(0)
    batches = [epoch.batch(step) for step in range(2)]
    for batch in batches:
        trainer.step(batch, ())

    size = pairs.num_users + pairs.num_items
    dense = torch.zeros(size, size, dtype=torch.float64)
    dense[pairs.user, pairs.num_users + pairs.item] = 1
    dense += dense.T.clone()
    scale = dense.sum(1).rsqrt()
    dense = scale[:, None] * dense * scale
    first, second = torch.zeros_like(table), torch.zeros_like(table)
    for number, batch in enumerate(batches, start=1):
        leaf = table.clone().requires_grad_()
        final = (leaf + dense @ leaf + dense @ dense @ leaf) / 3
        loss = torch.zeros((), dtype=torch.float64)
        for u, i, j in zip(batch.user, batch.positive + 12, batch.negative + 12, strict=True):
            difference = final[u] @ final[i] - final[u] @ final[j]
            squares = sum(leaf[row].square().sum() for row in (u, i, j))
            loss = loss + (-torch.log(torch.sigmoid(difference)) + 1e-4 * 0.5 * squares) / len(batch.user)
        (gradient,) = torch.autograd.grad(loss, leaf)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        rate = first / (1 - 0.9**number) / ((second / (1 - 0.999**number)).sqrt() + 1e-8)
        table = table - 0.05 * rate
    torch.testing.assert_close(trainer.encoder.nodes.double(), table, rtol=0, atol=2e-5)


@pytest.mark.parametrize("contrast", [False, True])
def test_checkerboard_is_learnt_to_precision_1(contrast: bool) -> None:
    train, held = thinned(checkerboard(20, 31))
    fitted = make(train, max_epochs=6, contrast=contrast).fit()  # more would learn the held ones as negatives
    relevant, seen = PairIndex.build([held]), PairIndex.build([train])
    for lists in rank(fitted.embeddings, k=2, seen=seen):
        for user, items in zip(lists.user.tolist(), lists.item.tolist(), strict=True):
            wanted = relevant.rows(torch.tensor([user]))[1].tolist()
            assert set(items[: len(wanted)]) <= set(wanted), f"user {user}"


def test_same_seed_same_bits_other_seed_other_bits() -> None:
    pairs = checkerboard()
    assert same(make(pairs, max_epochs=3).fit(), make(pairs, max_epochs=3).fit())
    assert not same(make(pairs, max_epochs=3).fit(), make(pairs, max_epochs=3, seed=1).fit())


class StopAt(Nobody):
    """Asks for a stop after a number of steps, as a signal would."""

    def __init__(self, steps: int) -> None:
        self.left, self.request = steps, StopRequest()

    def on_step(self, *, epoch: int, step: int, terms: Terms) -> None:
        self.left -= 1
        self.request.requested = self.left == 0


@pytest.mark.parametrize("steps", [1, 5, 7, 8, 20])
def test_interrupted_anywhere_and_resumed_gives_the_same_bits(tmp_path: Path, steps: int) -> None:
    pairs, path = checkerboard(), tmp_path / "c.safetensors"

    def trainer(checkpoint: Path | None, watch: StopAt | None = None) -> Trainer:
        stopping = EarlyStopping(patience=10, floor=0.0, warmup=0)
        return make(
            pairs,
            max_epochs=4,
            checkpoint=checkpoint,
            validate=lambda embeddings: {"m": float(embeddings.user.sum())},
            stopping=stopping,
            observer=watch,
            stop=watch.request if watch else None,
        )

    undisturbed = trainer(None).fit()
    watch = StopAt(steps)
    with pytest.raises(Interrupted):
        trainer(path, watch).fit()
    resumed = trainer(path).fit()
    assert same(undisturbed, resumed)
    assert undisturbed.epoch == resumed.epoch
    assert terms_of(undisturbed.history) == terms_of(resumed.history)
    assert [list(row) for row in undisturbed.history] == [list(row) for row in resumed.history]


def test_after_step_is_called_once_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, calls = make(checkerboard(), max_epochs=2), []
    monkeypatch.setattr(trainer.objective, "after_step", lambda: calls.append(trainer.state.step))
    trainer.fit()
    assert calls == [*range(trainer.batches.num_steps)] * 2


def test_finished_fit_returns_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    done = make(checkerboard(), max_epochs=2, checkpoint=path).fit()
    again = make(checkerboard(), max_epochs=2, checkpoint=path)
    again._run_epoch = None  # type: ignore[method-assign,assignment] - must not be called
    assert same(done, again.fit())


def test_best_epoch_is_kept_and_patience_stops() -> None:
    values = itertools.chain([0.1, 0.5, 0.4, 0.3, 0.2], itertools.repeat(0.0))
    seen: list[torch.Tensor] = []

    def validate(embeddings: Embeddings) -> Mapping[str, float]:
        seen.append(embeddings.user.clone())
        return {"m": next(values)}

    stopping = EarlyStopping(patience=3, floor=0.0, warmup=0)
    fitted = make(checkerboard(), max_epochs=50, validate=validate, stopping=stopping).fit()
    assert (fitted.epoch, len(fitted.history)) == (2, 5)
    assert torch.equal(fitted.embeddings.user, seen[1])


def test_history_has_every_term_and_metric() -> None:
    (row,) = make(checkerboard(), max_epochs=1, validate=lambda embeddings: {"m": 1.0}).fit().history
    assert set(row) == {
        "epoch",
        "seconds",
        "seconds_validation",
        "loss",
        "ranking",
        "penalty",
        "contrastive",
        "m",
    }
    assert row["loss"] == pytest.approx(row["ranking"] + 1e-4 * row["penalty"] + 0.02 * row["contrastive"])
    json.dumps(row)


def test_without_validation_the_last_epoch_counts() -> None:
    fitted = make(checkerboard(), max_epochs=3).fit()
    assert (fitted.epoch, len(fitted.history)) == (3, 3)


def test_loss_that_is_not_finite_is_a_clear_error() -> None:
    with pytest.raises(
        UserError, match=r"loss must be finite, got nan in epoch 1; lower training\.learning_rate"
    ):
        make(checkerboard(), max_epochs=3, learning_rate=float("inf")).fit()


def test_every_step_has_the_learning_rate_of_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, rates = make(checkerboard(), max_epochs=2), []
    trainer.schedule = lambda step: 0.1 / (step + 1)
    step = trainer.optimizer.step

    def record() -> None:
        rates.append(trainer.optimizer.learning_rate)
        step()

    monkeypatch.setattr(trainer.optimizer, "step", record)
    trainer.fit()
    assert rates == [0.1 / (step + 1) for step in range(2 * trainer.batches.num_steps)]
