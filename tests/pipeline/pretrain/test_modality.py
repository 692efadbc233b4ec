"""What there can be learnt from."""

from __future__ import annotations

import torch

from sgl_rec.pipeline.pretrain.modality import MODALITIES, Samples
from sgl_rec.pretrain_config import pretrain_method_file


def test_every_modality_has_its_method() -> None:
    for name in MODALITIES.names():
        assert pretrain_method_file(MODALITIES[name].method, modality=name).is_file()


def test_samples_are_counted_by_their_names() -> None:
    samples = Samples(lambda index: index, shape=(1,), names=("a", "b"), sha256="")
    assert len(samples) == 2
    assert samples.take(torch.tensor([1])).tolist() == [1]
