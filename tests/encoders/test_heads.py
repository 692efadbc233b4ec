from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sgl_rec.encoders import HEADS
from sgl_rec.encoders.heads import LinearHead, MlpHead, predictor
from sgl_rec.errors import UserError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows() -> Tensor:
    return torch.randn(5, 6, generator=generator(7))


@pytest.mark.parametrize("name", HEADS.names())
def test_rows_as_wide_as_it_says_and_the_generator_decides(name: str) -> None:
    state = torch.get_rng_state()
    head, again, other = (HEADS[name](6, generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert head(rows()).shape == (5, head.output_dim)
    assert torch.equal(head(rows()), again(rows()))
    assert torch.equal(head(rows()), other(rows())) == (name == "identity")


def test_the_identity_has_nothing_to_learn() -> None:
    head = HEADS["identity"](6, generator=generator())
    assert list(head.parameters()) == []
    assert torch.equal(head(rows()), rows())


def test_the_mlp_by_hand() -> None:
    head = MlpHead(6, hidden_dim=4, output_dim=3, num_layers=3, generator=generator()).double()
    h = rows().double()
    for index in (0, 3):
        h = h @ head.layers[index].weight.T
        h = (h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-5).sqrt()
        h = h.clamp(min=0)
    h = h @ head.layers[6].weight.T + head.layers[6].bias
    torch.testing.assert_close(head(rows().double()), h)


def test_without_a_norm_every_row_is_alone() -> None:
    head = MlpHead(6, batch_norm=False, generator=generator())
    torch.testing.assert_close(head(rows())[2:3], head(rows()[2:3]))
    assert [name for name, _ in head.named_parameters()] == [
        "layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias",
    ]  # fmt: skip


def test_one_layer_is_the_linear_head() -> None:
    one, linear = MlpHead(6, num_layers=1, generator=generator()), LinearHead(6, generator=generator())
    assert torch.equal(one(rows()), linear(rows()))


def test_the_predictor_is_as_wide_as_what_it_predicts() -> None:
    guess = predictor(6, generator=generator())
    assert guess(rows()).shape == rows().shape
    assert guess.layers[0].weight.shape == (24, 6)


@pytest.mark.parametrize("name", ["hidden_dim", "output_dim", "num_layers"])
def test_values_out_of_range(name: str) -> None:
    with pytest.raises(UserError, match=f"MlpHead: {name} must be"):
        MlpHead(6, **{name: 0}, generator=generator())
    with pytest.raises(UserError, match="LinearHead: input_dim must be at least 1, got 0"):
        LinearHead(0, generator=generator())
