from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.evaluation.probes.zero_shot import class_embeddings, zero_shot
from tests.reference import probes as reference


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_equals_the_loops() -> None:
    image = torch.randn(40, 5, generator=generator(0), dtype=torch.float64)
    prompt = torch.randn(6, 3, 5, generator=generator(1), dtype=torch.float64)
    label = torch.arange(40) % 6
    found = zero_shot(image, label, class_embeddings(prompt), generator=generator())
    expected = reference.classification(reference.zero_shot(image.tolist(), prompt.tolist()), label.tolist())
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_long_prompt_weighs_as_much_as_a_short_one() -> None:
    prompt = torch.tensor([[[100.0, 0.0], [0.0, 1.0]]])
    torch.testing.assert_close(class_embeddings(prompt), torch.full((1, 2), 0.5**0.5))


def test_the_interval_and_the_majority() -> None:
    image = torch.eye(2)[torch.arange(400) % 2]
    label = torch.where(torch.arange(400) < 300, torch.arange(400) % 2, 0)
    found = zero_shot(image, label, torch.eye(2), generator=generator())
    assert found["accuracy"] == 350 / 400  # 300 right, and every other of the last hundred
    half = 1.96 * (0.875 * 0.125 / 400) ** 0.5
    assert found["low"] == pytest.approx(0.875 - half, abs=0.01)
    assert found["high"] == pytest.approx(0.875 + half, abs=0.01)
    assert found["majority"] == 250 / 400


def test_equal_classes_are_no_evidence() -> None:
    """A collapsed text encoder names the first class always."""
    found = zero_shot(torch.randn(90, 3, generator=generator()), torch.arange(90) % 3, torch.ones(3, 3),
                      generator=generator())  # fmt: skip
    assert found["accuracy"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("label", [[0, 3], [-1, 0]])
def test_refuses(label: list[int]) -> None:
    with pytest.raises(UserError, match=r"zero_shot: label must be in 0 .. 2, got"):
        zero_shot(torch.ones(2, 3), torch.tensor(label), torch.eye(3), generator=generator())


def test_no_prompts() -> None:
    with pytest.raises(UserError, match="class_embeddings: prompt must be at least one row"):
        class_embeddings(torch.ones(2, 0, 3))
