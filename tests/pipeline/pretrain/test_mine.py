"""Where hard negatives come from; which one is chosen stands in tests/losses, that they are used in test_text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain import mine
from sgl_rec.pipeline.pretrain.mine import with_negatives
from sgl_rec.pipeline.pretrain.pretrain import pretrain, resolve, resume_pretrain
from sgl_rec.pipeline.pretrain.text import read
from sgl_rec.training.interrupt import Interrupted

DATA = {"other_column": "other", "score_column": "score", "min_score": 4.0, "max_negative_score": 1.0}
ROWS = "text,other,score\nred cat,a cat,5\nblue dog,a dog,5\nold tree,trees,4\ngreen fish,a stone,0\nsun,moon,1\n"
SETTINGS = {
    "data": DATA,
    "encoder": {"width": 16, "num_heads": 2},
    "head": {"output_dim": 8},
    "training": {"max_epochs": 2, "batch_size": 3},
}


@pytest.fixture(autouse=True)
def _restored(restored_state: None) -> None:
    pass


class Stop:
    """An observer that interrupts the second epoch."""

    def on_start(self, **_: Any) -> None:
        pass

    def on_step(self, *, epoch: int, **_: Any) -> None:
        if epoch == 2:
            raise Interrupted("stopped")

    def on_epoch(self, row: Any) -> None:
        pass


def test_samples_without_others_come_back_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    samples = read(path)
    assert with_negatives(resolve("text", path), samples, device=torch.device("cpu")) is samples


def test_a_resume_goes_on_with_the_same_and_with_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(ROWS)
    whole = pretrain("text", path, settings=SETTINGS, out=tmp_path / "whole", threads=1)
    with pytest.raises(Interrupted):
        pretrain("text", path, settings=SETTINGS, out=tmp_path / "run", threads=1, observer=Stop())
    monkeypatch.setattr(mine, "hardest_below", lambda rows, *others: torch.zeros(len(rows), dtype=torch.int64))
    with pytest.raises(UserError, match="the hard negatives must be those the run began with, got others"):
        resume_pretrain(tmp_path / "run")
    monkeypatch.undo()
    resumed = resume_pretrain(tmp_path / "run")
    assert resumed.model_file.read_bytes() == whole.model_file.read_bytes()
