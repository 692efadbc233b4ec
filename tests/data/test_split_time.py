from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgl_rec.data.assemble import dataset_from_frame
from sgl_rec.data.load import load_dataset
from sgl_rec.data.split_time import time_split
from sgl_rec.errors import UserError
from sgl_rec.pipeline.measure import measured, ranked
from sgl_rec.types import Dataset
from tests.data.split_logs import logs, pairs, parts_of, rows_of, shuffled
from tests.reference.splits import global_time


@given(logs(), st.sampled_from([0.1, 0.2, 0.4]), st.sampled_from([0.1, 0.3, 0.5]))
def test_as_the_loops_say(data: Dataset, valid: float, test: float) -> None:
    rows = rows_of(data, seed=0, stream="x")
    moments = len({row[2] for row in rows})
    if moments < 3:
        with pytest.raises(UserError, match=f"at least 3 distinct ones, got {moments}"):
            time_split(data)
        return
    expected = global_time(rows, valid, test)
    users, items = ({pair[place] for pair in expected["train"]} for place in range(2))
    known = {
        name: {(user, item) for user, item in part if user in users and item in items}
        for name, part in expected.items()
    }
    if not known["valid"] or not known["test"]:
        with pytest.raises(UserError, match="must hold an interaction of a user and an item that train has too"):
            time_split(data, valid_share=valid, test_share=test)
        return
    split = time_split(data, valid_share=valid, test_share=test)
    assert parts_of(split) == expected
    again = time_split(dataset_from_frame(shuffled(data)), valid_share=valid, test_share=test)
    assert parts_of(again) == expected
    assert split.train.timestamp is not None
    assert split.valid.timestamp is not None
    assert split.test.timestamp is not None
    assert split.train.timestamp.max() < split.valid.timestamp.min() == split.facts["valid_from"]
    assert split.valid.timestamp.max() < split.test.timestamp.min() == split.facts["test_from"]
    for name in ("valid", "test"):
        assert pairs(measured(split, name)) == known[name]
        assert split.facts[f"{name}_not_measured"] == len(expected[name]) - len(known[name])
    assert split.facts["users_not_in_train"] == len(data.users) - len(users)
    assert split.facts["items_not_in_train"] == len(data.items) - len(items)
    allowed = ranked(split)
    assert allowed is not None
    assert set(allowed.nonzero().squeeze(1).tolist()) == items


def test_a_tenth_each_and_what_happened_at_once_stays_together(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sgl_rec")
    frame = pd.DataFrame({"user_id": np.arange(200) % 10, "item_id": np.arange(200) // 10})
    data = dataset_from_frame(frame.assign(item_id=frame["item_id"] * 7 % 20, timestamp=1000 + np.arange(200)))
    with pytest.raises(UserError, match="the valid part of split 'global-time' must hold an interaction"):
        time_split(data)
    times = 1000 + np.random.default_rng(0).permutation(200)
    split = time_split(dataset_from_frame(frame.assign(timestamp=times)))
    assert [len(part) for part in split.parts().values()] == [160, 20, 20, 0]
    assert (split.facts["valid_from"], split.facts["test_from"]) == (1160, 1180)
    assert "validation from 1160, test from 1180" in caplog.text
    coarse = time_split(dataset_from_frame(frame.assign(timestamp=times // 30)))
    # Of the moments 33 to 39, with 30 rows each but 20 in the first, none is cut.
    assert [len(part) for part in coarse.parts().values()] == [140, 30, 30, 0]


@pytest.mark.data
def test_movietweetings(data_root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sgl_rec")
    split = time_split(load_dataset("movietweetings", search=[data_root]))
    assert [len(part) for part in split.parts().values()] == [80_000, 10_000, 10_000, 0]
    assert "validation from 2013-07-31 00:12:48 UTC, test from 2013-08-17 21:50:37 UTC" in caplog.text
    assert "2376 users and 1089 items have no interaction in train" in caplog.text
    assert (len(measured(split, "valid")), len(measured(split, "test"))) == (10_000 - 2_637, 10_000 - 4_628)


@pytest.mark.data
def test_ranks_are_refused(data_root: Path) -> None:
    with pytest.raises(UserError, match="ml-1m: the timestamps of split 'global-time' must be times"):
        time_split(load_dataset("ml-1m", search=[data_root]))
