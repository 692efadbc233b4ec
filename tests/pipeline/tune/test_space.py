"""What of a method is searched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sgl_rec.config import method_names
from sgl_rec.errors import UserError
from sgl_rec.pipeline.prepare import prepare
from sgl_rec.pipeline.tune.space import own_settings, space, with_settings
from sgl_rec.ranges import Span, parse_ranges

LR = "training.learning_rate"


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """What methods that compare content ask for; the others make nothing of it."""
    np.save(tmp_path / "f.npy", np.eye(1000))
    return {"content": {"features": [str(tmp_path / "f.npy")], "tower": False}}


@pytest.mark.parametrize("method", sorted(method_names().keys() - {"popularity"}))
def test_every_shipped_range_fits_its_method(
    method: str, clicks: pd.DataFrame, described: dict[str, Any]
) -> None:
    prepared = prepare(clicks, method=method, settings=described)
    ranges = space(prepared)
    own = own_settings(prepared.config)
    assert ranges
    for key, one in ranges.items():
        assert own[key] in one, (method, key, "the method's own value")
    assert prepared.config.tune == {}


@pytest.mark.parametrize("method", sorted(method_names("ml-1m").keys() - {"popularity"}))
def test_so_do_those_for_a_data_set(method: str, clicks: pd.DataFrame, described: dict[str, Any]) -> None:
    prepared = prepare(clicks, method=str(method_names("ml-1m")[method]), settings=described)
    own = own_settings(prepared.config)
    for key, one in space(prepared).items():
        assert own[key] in one, (method, key, "the method's own value")


def test_given_ranges_go_over_declared_ones_and_what_is_set_is_not_searched(clicks: pd.DataFrame) -> None:
    prepared = prepare(clicks, method="lightgcn")
    given: Any = {"loss.penalty.weight": (0.1, 0.2), "training.batch_size": Span(low=64, high=128)}
    ranges = space(
        prepared, given=given, fixed={"training": {"learning_rate": 1e-3}, "loss": {"penalty": {"weight": 1}}}
    )
    assert list(ranges) == ["encoder.num_layers", "loss.penalty.weight", "training.batch_size"]
    assert ranges["loss.penalty.weight"] == (0.1, 0.2)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"training.lerning_rate": [1, 2]}, "did you mean 'training.learning_rate'"),
        ({"encoder.layers": [1, 2]}, "'encoder.layers' must be a setting of the method that can be searched"),
        ({"views.drop_rate": [0.1, 0.2]}, "'views.drop_rate' must be a setting"),
        ({"data.split_seed": [0, 1]}, "'data.split_seed' must be a setting"),
        ({"training.seed": [0, 1]}, "'training.seed' must be a setting"),
        ({"training.metric": ["ndcg@10", "ndcg@20"]}, "'training.metric' must be a setting"),
        ({"encoder.name": ["lightgcn", "egcf"]}, "'encoder.name' must be a setting"),
        ({"encoder.num_layers": [1.5, 2.5]}, "num_layers"),
        ({"loss.penalty.weight": {"low": -1.0, "high": 1.0}}, "loss.penalty.weight"),
        ({"encoder.initial": ["normal", "zero"]}, "initial"),
    ],
)
def test_a_range_that_the_method_cannot_have(clicks: pd.DataFrame, given: Any, fault: str) -> None:
    with pytest.raises(UserError, match=fault.replace(".", r"\.")):
        space(prepare(clicks, method="lightgcn"), given=parse_ranges(given))


def test_a_baseline_has_its_own_settings_alone(clicks: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="learning_rate' must be a setting"):
        space(prepare(clicks, method="ease"), given={LR: (1e-3, 1e-2)})
    with pytest.raises(UserError, match="'popularity' must have a range to search, got none; declare one"):
        space(prepare(clicks, method="popularity"))


def test_what_follows_from_a_setting_follows(clicks: pd.DataFrame) -> None:
    prepared = prepare(clicks, method="sgl-rw")
    config = with_settings(prepared, {"encoder.num_layers": 2, LR: 0.5})
    assert config.views is not None
    assert (config.views.arguments["num_layers"], config.training.learning_rate) == (2, 0.5)
    assert with_settings(prepared, {}) == prepared.config
