"""Config -> objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.build import (
    make_batches,
    make_networks,
    make_objective,
    make_schedule,
    read_samples,
)
from sgl_rec.pipeline.pretrain.pretrain import resolve
from sgl_rec.pretrain_config import PretrainConfig
from sgl_rec.settings import merge
from tests.conftest import PICTURES

pytest.importorskip("kornia")
CPU = torch.device("cpu")


@pytest.fixture
def config(pictures: Path) -> Any:
    def make(**over: Any) -> PretrainConfig:
        return resolve("vision", pictures, settings=merge(PICTURES, over))

    return make


def test_a_start_is_its_seed(config: Any) -> None:
    def start(seed: int) -> dict[str, torch.Tensor]:
        return make_networks(config(training={"seed": seed}), shape=(1, 8), num_steps=1).state_dict()

    one, same, other = start(0), start(0), start(1)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_networks_have_what_the_config_names(config: Any) -> None:
    plain = make_networks(config(), shape=(1, 8), num_steps=1)
    assert (plain.predictor, plain.momentum, plain.width) == (None, None, 16)
    byol = make_networks(config(predictor={}, momentum={"momentum": 0.9}), shape=(1, 8), num_steps=1)
    assert byol.predictor is not None
    assert byol.momentum is not None


@pytest.mark.parametrize("name", ["moco", "swav"])
def test_terms_with_rows_of_their_own_are_as_wide_as_the_projections(config: Any, name: str) -> None:
    changed = {"contrastive": {"name": name, "weight": 1.0}}
    objective = make_objective(config(loss=changed), width=16)
    assert any(16 in state.shape for state in objective.state_dict().values())


def test_batches_are_two_views_of_each_sample(config: Any) -> None:
    settings = config(data={"only": ["bar-0/*", "bar-1/*"]})
    samples = read_samples(settings)
    batches = make_batches(settings, samples, device=CPU)
    assert (batches.num_steps, len(samples)) == (1, 16)
    first, second = batches.epoch(0).batch(0), batches.epoch(0).batch(0)
    assert torch.equal(first.first[0], second.first[0])
    assert not torch.equal(first.first[0], first.second[0])
    assert first.label is not None
    assert first.label.bincount().tolist() == [8, 8]
    none = settings.model_copy(update={"views": (), "second_views": None})
    same = make_batches(none, samples, device=CPU).epoch(0).batch(0)
    assert torch.equal(same.first[0], same.second[0])


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"data": {"colour": 1}}, "data: 'colour' .*known"),
        ({"data": {"size": "8"}}, "data: size .* got '8'"),
    ],
)
def test_a_wrong_key_of_the_data(config: Any, over: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_samples(config(**over))


def test_a_wrong_part(config: Any) -> None:
    with pytest.raises(UserError, match="did you mean 'small_conv'"):
        make_networks(config(encoder={"name": "small_con"}), shape=(1, 8), num_steps=1)
    samples = read_samples(config())
    with pytest.raises(UserError, match="'blur'"):
        make_batches(config(views=[{"name": "blurr"}]), samples, device=CPU).epoch(0).batch(0)


def test_the_learning_rate_falls_or_stays(config: Any) -> None:
    asked = {"schedule": "cosine", "warmup_share": 0.5, "max_epochs": 4, "learning_rate": 0.1}
    rate = make_schedule(config(training=asked), num_steps=2)
    assert rate is not None
    rates = [rate(step) for step in range(8)]
    assert max(rates) == rates[4] == 0.1
    assert rates[7] < rates[0]
    assert make_schedule(config(training={"schedule": "constant"}), num_steps=2) is None
