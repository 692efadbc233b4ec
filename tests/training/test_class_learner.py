"""Training on labels."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from sgl_rec.training.class_learner import Classifier, ClassLearner, LabelledBatches
from sgl_rec.training.loop import Trainer

INDEX, LABEL = torch.tensor([9, 4, 7, 2, 5]), torch.tensor([0, 1, 0, 1, 1])


class Table(nn.Module):
    """A row for each of ten samples."""

    embedding_dim = 3

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(10, 3, generator=torch.Generator().manual_seed(0)))

    def forward(self, index: torch.Tensor) -> torch.Tensor:
        return self.weight[index]


def batches(**options: Any) -> LabelledBatches:
    usual: dict[str, Any] = {"index": INDEX, "label": LABEL, "batch_size": 2, "seed": 0}
    return LabelledBatches(lambda index, generator: (index,), **{**usual, **options})


def test_every_epoch_has_every_sample_once_with_its_label() -> None:
    source, own = batches(), dict(zip(INDEX.tolist(), LABEL.tolist(), strict=True))
    assert source.num_steps == 3
    orders = []
    for epoch in range(2):
        parts = [source.epoch(epoch).batch(step) for step in range(3)]
        assert sorted(len(part.label) for part in parts) == [1, 2, 2]
        seen = torch.cat([part.inputs[0] for part in parts]).tolist()
        assert sorted(seen) == sorted(INDEX.tolist())
        assert [own[one] for one in seen] == torch.cat([part.label for part in parts]).tolist()
        orders.append(seen)
    assert orders[0] != orders[1]
    assert len({source.epoch(0).batch(step).key for step in range(3)}) == 3


def test_a_step_is_that_of_a_hand_written_loop() -> None:
    one, other = Classifier(Table(), num_classes=2), Classifier(Table(), num_classes=2)
    batch = batches(batch_size=5).epoch(0).batch(0)
    terms = ClassLearner(one).backward(batch, ())
    rows = other.encoder.weight[batch.inputs[0]]
    logits = rows @ other.map.weight.T + other.map.bias
    loss = -logits.log_softmax(1)[torch.arange(5), batch.label].mean()
    loss.backward()
    assert abs(float(loss) - torch.log(torch.tensor(2.0))) < 1e-6  # both classes equally likely at first
    torch.testing.assert_close(terms.total, loss)
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad)


def test_labels_are_learnt() -> None:
    model = Classifier(Table(), num_classes=2)
    Trainer(ClassLearner(model), batches=batches(), learning_rate=0.1, max_epochs=30).fit()
    assert model(INDEX).argmax(1).tolist() == LABEL.tolist()
