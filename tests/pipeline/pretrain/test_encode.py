"""What an encoder makes of samples."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.pretrain.encode import ENCODER, embed_samples, other_samples, read_encoder
from sgl_rec.pipeline.pretrain.folder import PretrainFolder


def test_the_trained_encoder_comes_back(tiny_pretrain: Path, pictures: Path) -> None:
    folder = PretrainFolder.open(tiny_pretrain)
    encoder, samples = read_encoder(folder), other_samples(folder, pictures)
    saved = folder.model().group("networks")
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, saved[ENCODER + name])
    rows = embed_samples(encoder, samples)
    assert rows.shape == (32, encoder.embedding_dim)
    some = torch.tensor([5, 2])
    torch.testing.assert_close(embed_samples(encoder, samples, some), rows[some])


def test_samples_of_another_shape_are_refused(tiny_pretrain: Path, pictures: Path) -> None:
    folder = PretrainFolder.open(tiny_pretrain)
    with pytest.raises(UserError, match=r"shape of a sample must be \[1, 8\], as the run's, got \[1, 9\]"):
        other_samples(folder, pictures, settings={"size": 9})
    with pytest.raises(UserError, match="no-such"):
        other_samples(folder, pictures / "no-such")
