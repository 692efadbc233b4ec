"""Training a content tower: its loss by hand, what it draws, and that it finds the place of unseen items."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sgl_rec.encoders.content_tower import ContentTower
from sgl_rec.losses.contrastive import info_nce as library_info_nce
from sgl_rec.training.content_learner import ContentLearner, ItemBatch, ItemBatches
from sgl_rec.training.loop import Trainer
from tests.reference.contrastive import info_nce

NUM_ITEMS, WIDTHS, EMBEDDING_DIM, TEMPERATURE = 60, (12, 5), 6, 0.2
ITEM = torch.tensor([7, 3, 11, 40, 22])


def draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


TARGET = draw(NUM_ITEMS, EMBEDDING_DIM, seed=0)
POPULARITY = 0.5 * TARGET @ draw(EMBEDDING_DIM, seed=1)
BLOCKS = [TARGET @ draw(EMBEDDING_DIM, width, seed=2 + width) for width in WIDTHS]
KNOWN = torch.ones(NUM_ITEMS, 2, dtype=torch.bool)
KNOWN[::4, 1] = False


def contrast(anchor: Tensor, candidate: Tensor) -> Tensor:
    return library_info_nce(anchor, candidate, torch.arange(len(anchor)), temperature=TEMPERATURE)


def make(*, fit: Tensor | None = None, **options: Any) -> ContentLearner:
    usual: dict[str, Any] = {"embedding_dim": EMBEDDING_DIM, "hidden_dim": 64, "drop_rate": 0.2}
    tower = ContentTower(WIDTHS, **{**usual, **options}, generator=torch.Generator().manual_seed(9))
    rows = torch.arange(NUM_ITEMS) if fit is None else fit
    tower.fit_scale([block[rows] for block in BLOCKS], KNOWN[rows])
    return ContentLearner(
        tower, blocks=BLOCKS, known=KNOWN, target=TARGET, popularity=POPULARITY, contrast=contrast
    )


def gradients(learner: ContentLearner, key: int) -> list[Tensor]:
    learner.encoder.zero_grad()
    learner.backward(ItemBatch(ITEM, key), ())
    return [parameter.grad.clone() for parameter in learner.encoder.parameters()]


def test_the_loss_by_hand() -> None:
    learner = make(drop_rate=0.0)
    found = learner.embed()
    place, target = found.place[ITEM].double().tolist(), TARGET[ITEM].double().tolist()
    own, temperature = range(len(ITEM)), [TEMPERATURE] * len(ITEM)
    there = info_nce(place, target, own, temperature=temperature)
    back = info_nce(target, place, own, temperature=temperature)
    contrastive = sum(a + b for a, b in zip(there, back, strict=True)) / len(ITEM)
    errors = [float(found.popularity[item] - POPULARITY[item]) for item in ITEM]
    popularity = sum(error**2 for error in errors) / len(ITEM)
    terms = learner.backward(ItemBatch(ITEM, 5), learner.draw_views(0, 0))
    assert float(terms.values["contrastive"]) == pytest.approx(contrastive, rel=1e-5)
    assert float(terms.values["popularity"]) == pytest.approx(popularity, rel=1e-5)
    assert float(terms.total) == pytest.approx(contrastive + popularity, rel=1e-5)
    assert not any(value.requires_grad for value in terms.values.values())


def test_the_gradients_are_those_of_that_loss() -> None:
    learner, other = make(drop_rate=0.0), make(drop_rate=0.0).encoder
    found = other([block[ITEM] for block in BLOCKS], KNOWN[ITEM])
    unit, own = torch.nn.functional.normalize, torch.arange(len(ITEM))
    logits = unit(found.place, dim=1) @ unit(TARGET[ITEM], dim=1).T / TEMPERATURE
    entropy = torch.nn.functional.cross_entropy
    loss = entropy(logits, own) + entropy(logits.T, own) + (found.popularity - POPULARITY[ITEM]).square().mean()
    loss.backward()
    for mine, theirs in zip(gradients(learner, 5), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs.grad, rtol=1e-4, atol=1e-6)


def test_an_item_alone_learns_its_popularity_alone() -> None:
    terms = make().backward(ItemBatch(ITEM[:1], 0), ())
    assert float(terms.values["contrastive"]) == pytest.approx(0.0, abs=1e-5)
    torch.testing.assert_close(terms.total.detach(), terms.values["popularity"], rtol=1e-4, atol=1e-5)


def test_gradients_are_added() -> None:
    learner = make()
    once = gradients(learner, 5)
    learner.backward(ItemBatch(ITEM, 5), ())
    for one, parameter in zip(once, learner.encoder.parameters(), strict=True):
        assert torch.equal(parameter.grad, 2 * one)


def test_the_key_decides_what_is_dropped() -> None:
    state = torch.get_rng_state()
    one, other = gradients(make(), 5), gradients(make(), 6)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)  # the global generator has no say
    again = gradients(make(), 5)
    assert all(torch.equal(mine, same) for mine, same in zip(one, again, strict=True))
    assert not any(torch.equal(mine, same) for mine, same in zip(one[:1], other[:1], strict=True))


def test_the_targets_do_not_learn() -> None:
    target = TARGET.clone()
    learner = make()
    learner.backward(ItemBatch(ITEM, 0), ())
    assert torch.equal(TARGET, target)
    assert not TARGET.requires_grad
    assert list(learner.objective.parameters()) == []


def test_what_is_embedded_is_drawn_by_nobody() -> None:
    learner = make()
    before = learner.embed()
    assert torch.equal(learner.embed().place, before.place)
    learner.backward(ItemBatch(ITEM, 0), ())
    after = learner.embed()
    assert torch.equal(after.place, before.place)
    assert (after.place.shape, after.popularity.shape) == ((NUM_ITEMS, EMBEDDING_DIM), (NUM_ITEMS,))
    assert not after.place.requires_grad


@pytest.mark.parametrize("batch_size", [1, 4, 10, 11, 500])
def test_every_epoch_has_every_item_once(batch_size: int) -> None:
    items = torch.tensor([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31])
    source = ItemBatches(items, batch_size=batch_size, seed=0)
    orders, keys = [], []
    for number in range(2):
        epoch = source.epoch(number)
        parts = [epoch.batch(step) for step in range(source.num_steps)]
        sizes = [len(part.item) for part in parts]
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        orders.append(torch.cat([part.item for part in parts]).tolist())
        keys += [part.key for part in parts]
        assert sorted(orders[-1]) == items.tolist()
    assert orders[0] != orders[1]
    assert len(set(keys)) == 2 * source.num_steps
    assert source.num_steps == -(-len(items) // batch_size)


def test_batches_are_the_same_for_a_seed_whatever_was_asked_before() -> None:
    one, other = (ItemBatches(torch.arange(20), batch_size=6, seed=seed) for seed in (0, 1))
    for number in range(3):
        one.epoch(number).batch(1)
    again = ItemBatches(torch.arange(20), batch_size=6, seed=0).epoch(2).batch(3)
    assert torch.equal(one.epoch(2).batch(3).item, again.item)
    assert one.epoch(2).batch(3).key == again.key
    assert other.epoch(2).batch(3).key != again.key
    assert not torch.equal(other.epoch(2).batch(3).item, again.item)


def ranks(place: Tensor, items: Tensor) -> Tensor:
    """How many embeddings are nearer to an item's place than its own."""
    unit = torch.nn.functional.normalize
    near = unit(place, dim=1)[items] @ unit(TARGET, dim=1).T
    return (near > near.gather(1, items[:, None])).sum(dim=1)


def test_items_it_has_not_learnt_from_are_placed_near_their_embedding() -> None:
    order = torch.randperm(NUM_ITEMS, generator=torch.Generator().manual_seed(4))
    held, learnt = order[:15], order[15:]
    learner = make(fit=learnt)
    at_first = ranks(learner.embed().place, held).double().mean()
    batches = ItemBatches(learnt, batch_size=15, seed=0)
    fitted: Any = Trainer(learner, batches=batches, learning_rate=0.01, max_epochs=60).fit()
    place, popularity = fitted.embeddings
    assert at_first > 15  # of 60; by chance it is 29.5
    assert ranks(place, held).double().mean() < 4
    assert ranks(place, learnt).double().mean() < 2
    assert torch.corrcoef(torch.stack([popularity[held], POPULARITY[held]]))[0, 1] > 0.8
    assert fitted.history[-1]["contrastive"] < 0.5 * fitted.history[0]["contrastive"]


def test_the_same_seed_gives_the_same_tower() -> None:
    def trained() -> Tensor:
        batches = ItemBatches(torch.arange(40), batch_size=16, seed=3)
        fitted: Any = Trainer(make(), batches=batches, learning_rate=0.01, max_epochs=2).fit()
        place: Tensor = fitted.embeddings.place
        return place

    assert torch.equal(trained(), trained())
