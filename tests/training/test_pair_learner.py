"""What a step of self-supervision computes."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from sgl_rec.losses import Objective
from sgl_rec.losses.noncontrastive_terms import ByolTerm
from sgl_rec.losses.pair_terms import MocoTerm, NtXentTerm, PairStep, SimcseTerm
from sgl_rec.training.loop import Trainer
from sgl_rec.training.momentum import MomentumEncoder
from sgl_rec.training.pair_batches import PairBatches
from sgl_rec.training.pair_learner import PairBatch, PairLearner, PairNetworks

SAMPLES = torch.randn(24, 6, generator=torch.Generator().manual_seed(3))


def linear(width_in: int, width_out: int, seed: int = 0) -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Linear(width_in, width_out)


def side(index: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor]:
    return (SAMPLES[index] + 0.1 * torch.randn(len(index), 6, generator=generator),)


def learner(term: nn.Module, *, chunk_size: int | None = None, **networks: Any) -> PairLearner:
    towers = PairNetworks(linear(6, 5), linear(5, 4, seed=1), **networks)
    objective = Objective({"contrastive": (term, 1.0)})
    return PairLearner(
        towers,
        objective,
        make_step=PairStep,
        embed=lambda trained: trained.first["encoder"](SAMPLES),
        chunk_size=chunk_size,
    )


def batch(**given: Any) -> PairBatch:
    generator = torch.Generator().manual_seed(5)
    index = torch.arange(8)
    return PairBatch(side(index, generator), side(index, generator), 7, **given)


def gradients(one: PairLearner) -> list[torch.Tensor]:
    return [p.grad.clone() for p in one.encoder.parameters() if p.grad is not None]


def test_a_step_is_the_loss_of_both_projections() -> None:
    ours = learner(NtXentTerm(temperature=0.5))
    own = batch()
    terms = ours.backward(own, ())
    found = gradients(ours)
    tower = nn.Sequential(linear(6, 5), linear(5, 4, seed=1))
    loss = NtXentTerm(temperature=0.5)(PairStep(tower(*own.first), tower(*own.second)))
    loss.backward()
    torch.testing.assert_close(terms.total, loss)
    for one, two in zip(found, tower.parameters(), strict=True):
        torch.testing.assert_close(one, two.grad)


@pytest.mark.parametrize("chunk_size", [3, 8])
def test_in_chunks_the_gradients_are_the_same(chunk_size: int) -> None:
    plain, chunked = (learner(NtXentTerm(temperature=0.5), chunk_size=size) for size in (None, chunk_size))
    first, second = (one.backward(batch(), ()) for one in (plain, chunked))
    torch.testing.assert_close(first.total, second.total)
    for one, two in zip(gradients(plain), gradients(chunked), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=1e-6)


def test_two_modalities_have_a_tower_each() -> None:
    one = learner(NtXentTerm(), second_encoder=linear(6, 5, seed=2), second_head=linear(5, 4, seed=3))
    one.backward(batch(), ())
    first, second = one.encoder.towers
    assert first.encoder is not second.encoder
    assert all(p.grad is not None for p in one.encoder.parameters())


def test_targets_are_the_slow_copys_and_have_no_gradient() -> None:
    slow = partial(MomentumEncoder, momentum=0.5)
    one = learner(ByolTerm(), predictor=linear(4, 4, seed=4), momentum=slow)
    before = copy.deepcopy(one.encoder.momentum.state_dict())
    one.backward(batch(), ())
    assert all(p.grad is None for p in one.encoder.momentum.parameters())
    assert all(p.grad is not None for p in one.encoder.predictor.parameters())
    with torch.no_grad():
        for parameter in one.encoder.first.parameters():
            parameter.add_(1.0)
    one.after_step()
    moved = one.encoder.momentum.state_dict()
    name = "encoder.encoder.weight"
    torch.testing.assert_close(moved[name], before[name] + 0.5)


def test_a_queue_is_filled_after_the_step() -> None:
    slow = partial(MomentumEncoder, momentum=0.9)
    term = MocoTerm(embedding_dim=4, queue_size=16, generator=torch.Generator().manual_seed(0))
    one = learner(term, momentum=slow)
    before = copy.deepcopy(term.state_dict())
    one.backward(batch(), ())
    one.after_step()
    assert any(not torch.equal(value, before[name]) for name, value in term.state_dict().items())


def test_hard_negatives_pass_through_the_second_tower() -> None:
    one = learner(SimcseTerm())
    with_negative = one.backward(batch(negative=side(torch.arange(8, 16), torch.Generator())), ())
    without = one.backward(batch(), ())
    assert with_negative.total > without.total


def test_dropout_is_the_view_and_the_key_its_draw() -> None:
    towers = PairNetworks(nn.Sequential(linear(6, 5), nn.Dropout(0.5)), linear(5, 4, seed=1))
    one = PairLearner(
        towers, Objective({"c": (SimcseTerm(), 1.0)}), make_step=PairStep, embed=lambda trained: SAMPLES
    )
    same = SAMPLES[:8]
    totals = [one.backward(PairBatch((same,), (same,), key), ()).total.item() for key in (1, 1, 2)]
    assert totals[0] == totals[1] != totals[2]


def test_the_loop_trains_it_and_resumes_to_the_same_bits(tmp_path: Any) -> None:
    def make(epochs: int, checkpoint: Any = None) -> Trainer:
        one = learner(
            MocoTerm(embedding_dim=4, queue_size=16, generator=torch.Generator().manual_seed(0)),
            momentum=partial(MomentumEncoder, momentum=0.9),
        )
        batches = PairBatches(side, side, num_samples=len(SAMPLES), batch_size=8, seed=0)
        return Trainer(one, batches=batches, learning_rate=0.01, max_epochs=epochs, checkpoint=checkpoint)

    whole = make(4).fit()
    assert [row["epoch"] for row in whole.history] == [1, 2, 3, 4]
    file = tmp_path / "checkpoint.safetensors"
    stopped = make(4, file)
    stopped._run_epoch()
    stopped._run_epoch()
    stopped._save()
    resumed = make(4, file).fit()
    for name, value in whole.parameters.items():
        assert torch.equal(value, resumed.parameters[name]), name
