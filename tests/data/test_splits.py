from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.data.assemble import dataset_from_frame
from sgl_rec.data.splits import check_name, is_rule, make_split, number_left
from sgl_rec.errors import UserError
from sgl_rec.types import Dataset
from tests.data.split_logs import logs, pairs, parts_of, users_with


@given(
    logs(),
    st.sampled_from(["random", "leave-last-1", "leave-last-2", "global-time", "cold-items"]),
    st.integers(0, 2),
)
def test_the_parts_cover_everything_once(data: Dataset, name: str, seed: int) -> None:
    try:
        split = make_split(data, name=name, seed=seed)
    except UserError:
        return
    assert set().union(*parts_of(split).values()) == pairs(data.interactions)
    assert (split.name, split.fixed, split.sha256, len(split.dropped)) == (name, False, None, 0)
    assert split.train.timestamp is not None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("globaltime", "; did you mean 'global-time'?"),
        ("leave-last", "; did you mean 'leave-last-1'?"),
        ("leave-last-0", "; did you mean 'leave-last-1'?"),
        ("leave-last-x", "; did you mean 'leave-last-1'?"),
        ("Random", "; did you mean 'random'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        make_split(users_with(5), name=name)
    rule = "split must be one that is there (random, leave-last-1, global-time, cold-items)"
    assert str(caught.value) == f"dataframe: {rule}, got {name!r}{hint}"


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.0, 0.1), (0.1, -0.1), (float("nan"), 0.1)])
def test_shares_that_leave_nothing(shares: tuple[float, float]) -> None:
    with pytest.raises(UserError, match="valid_share and test_share must be above 0, and together below 1"):
        make_split(users_with(5), name="random", valid_share=shares[0], test_share=shares[1])


def test_names_of_rules() -> None:
    assert number_left("leave-last-12") == 12
    assert not any(map(number_left, ("leave-last-01", "xleave-last-1", "leave-last-1\n", "leave-last-")))
    assert is_rule("global-time")
    for name in ("random", "leave-last-7", "", "a/b", "..", "a b", "x" * 101):
        with pytest.raises(UserError, match="--name: the name of a stored split must be"):
            check_name(name)
    for name in ("leave-last-1-seed0", "standard", "v1.2"):
        check_name(name)


def test_a_split_by_time_of_data_without_times() -> None:
    data = dataset_from_frame(pd.DataFrame({"user_id": [1, 1, 1], "item_id": [1, 2, 3]}))
    for name in ("global-time", "leave-last-1"):
        with pytest.raises(
            UserError, match=f"split '{name}' must be interactions with a timestamp, got none; give"
        ):
            make_split(data, name=name)


def test_shares_that_do_nothing_are_said(caplog: pytest.LogCaptureFixture) -> None:
    make_split(users_with(5), name="leave-last-1", test_share=0.3)
    assert "valid_share and test_share do nothing for split 'leave-last-1'" in caplog.text
