"""Which implementation of a kernel runs."""

from __future__ import annotations

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.kernels.backend import KNOWN, choose


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_auto_takes_a_known_backend(device: str) -> None:
    assert choose("auto", torch.device(device)) in KNOWN


def test_a_named_backend_is_taken_as_it_is() -> None:
    assert choose("torch", torch.device("cpu")) == "torch"


def test_an_unknown_backend_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(
        UserError, match=r"backend must be one of auto, torch.*, got 'toch'; did you mean 'torch'"
    ):
        choose("toch", torch.device("cpu"))
