"""What a trained start is worth when a few labels are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain import finetune as module
from sgl_rec.pipeline.pretrain.build import make_encoder
from sgl_rec.pipeline.pretrain.encode import read_encoder
from sgl_rec.pipeline.pretrain.finetune import finetune, some_of_each
from sgl_rec.pipeline.pretrain.folder import PretrainFolder

REST, FIRST = {"only": ["*/[4-7].png"]}, {"only": ["*/[0-3].png"]}


def test_both_starts_at_every_share(tiny_pretrain: Path, pictures: Path) -> None:
    options: dict[str, Any] = {"settings": REST, "train_settings": FIRST, "num_steps": 20, "batch_size": 8}
    found = finetune(tiny_pretrain, pictures, train=pictures, shares=[0.25, 1.0], **options)
    assert set(found) == {"0.25", "1"}
    for share, labels in (("0.25", 4), ("1", 16)):
        assert set(found[share]) == {"pretrained", "scratch"}
        assert {columns["labels"] for columns in found[share].values()} == {labels}
    assert found == finetune(tiny_pretrain, pictures, train=pictures, shares=[0.25, 1.0], **options)


def test_what_is_learnt_from_is_learnt(tiny_pretrain: Path, pictures: Path) -> None:
    options: dict[str, Any] = {"settings": FIRST, "train_settings": FIRST, "num_steps": 80, "learning_rate": 0.02}
    columns = finetune(tiny_pretrain, pictures, train=pictures, shares=[1.0], **options)["1"]
    assert min(column["accuracy"] for column in columns.values()) > 0.8


def test_one_start_is_the_runs_and_the_other_that_before_training(
    tiny_pretrain: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[dict[str, torch.Tensor]] = []
    fit = module._fit

    def seen(model: Any, *arguments: Any, **options: Any) -> None:
        starts.append({name: tensor.clone() for name, tensor in model.encoder.state_dict().items()})
        fit(model, *arguments, **options)

    monkeypatch.setattr(module, "_fit", seen)
    finetune(tiny_pretrain, pictures, train=pictures, shares=[1.0], num_steps=1)
    folder = PretrainFolder.open(tiny_pretrain)
    for start, encoder in zip(
        starts, (read_encoder(folder), make_encoder(folder.config, shape=(1, 8))), strict=True
    ):
        assert all(torch.equal(start[name], tensor) for name, tensor in encoder.state_dict().items())
    assert any(not torch.equal(starts[0][name], starts[1][name]) for name in starts[0])


def test_a_share_is_of_every_class() -> None:
    label = torch.tensor([0] * 10 + [1] * 4 + [2])
    places = some_of_each(label, share=0.5, generator=torch.Generator().manual_seed(0))
    assert label[places].bincount().tolist() == [5, 2, 1]
    assert len(places.unique()) == len(places)
    other = some_of_each(label, share=0.5, generator=torch.Generator().manual_seed(1))
    assert places.tolist() != other.tolist()
    assert len(some_of_each(label, share=1e-9, generator=torch.Generator())) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shares": [0.0]}, r"finetune: share of labels must be in \(0, 1\], got 0.0"),
        ({"shares": [2.0]}, r"finetune: share of labels must be in \(0, 1\], got 2.0"),
        ({"num_steps": 0}, "finetune: num_steps must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_asked(options: Any, message: str, tiny_pretrain: Path, pictures: Path) -> None:
    with pytest.raises(UserError, match=message):
        finetune(tiny_pretrain, pictures, train=pictures, **options)
