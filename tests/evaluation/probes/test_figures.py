from __future__ import annotations

import pytest
import torch
from sklearn.metrics import precision_recall_fscore_support

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.figures import classification_figures
from tests.reference import probes as reference


def test_by_hand() -> None:
    found = classification_figures(torch.tensor([5, 5, 5, 2, 9]), torch.tensor([5, 5, 2, 2, 2]))
    assert found["accuracy"] == 3 / 5
    assert found["precision"] == pytest.approx((1 / 1 + 2 / 3 + 0 / 1) / 3)  # of classes 2, 5, 9
    assert found["recall"] == pytest.approx((1 / 3 + 2 / 2 + 0) / 3)
    assert found["f1"] == pytest.approx((2 / 4 + 4 / 5 + 0) / 3)


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_loops_and_scikit_learn(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    predicted, label = (torch.randint(-2, 5, (40,), generator=generator) for _ in range(2))
    found = classification_figures(predicted, label)
    assert found == pytest.approx(reference.classification(predicted.tolist(), label.tolist()))
    theirs = precision_recall_fscore_support(label, predicted, average="macro", zero_division=0)
    assert [found["precision"], found["recall"], found["f1"]] == pytest.approx(theirs[:3])


def test_all_right_and_all_wrong() -> None:
    label = torch.tensor([0, 1, 1])
    assert set(classification_figures(label, label).values()) == {1.0}
    assert set(classification_figures(1 - label, label).values()) == {0.0}


def test_nothing_to_measure() -> None:
    none = torch.empty(0, dtype=torch.int64)
    with pytest.raises(UserError, match="rows must be at least one, got none"):
        classification_figures(none, none)
