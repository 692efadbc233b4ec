from __future__ import annotations

from typing import Any

import pytest
import torch

from sgl_rec.encoders.text.gru import GruTower
from sgl_rec.errors import UserError

TOKENS = torch.tensor([[3, 4, 5, 0], [3, 0, 0, 0]])


def encoder(**values: Any) -> GruTower:
    return GruTower(9, 0, **{"width": 3, **values}, generator=torch.Generator().manual_seed(0)).eval()


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_the_units_by_hand(pooling: Any) -> None:
    model = encoder(pooling=pooling).double()
    units = model.units
    for row, expected in zip(TOKENS, model(TOKENS), strict=True):
        state, states = torch.zeros(3, dtype=torch.float64), []
        for token in row[row != 0]:
            x = units.weight_ih_l0 @ model.token.weight[token] + units.bias_ih_l0
            h = units.weight_hh_l0 @ state + units.bias_hh_l0
            reset, update = torch.sigmoid(x[:3] + h[:3]), torch.sigmoid(x[3:6] + h[3:6])
            state = (1 - update) * torch.tanh(x[6:] + reset * h[6:]) + update * state
            states.append(state)
        torch.testing.assert_close(torch.stack(states).mean(0) if pooling == "mean" else state, expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"drop_rate": 1.0}, r"drop_rate must be in \[0, 1\), got 1.0"),
        ({"pooling": "last "}, "pooling|Type"),
    ],
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        encoder(**values)
    assert isinstance(caught.value, UserError) or "pooling" in values
