"""Somebody else's lists: our own, written out and read again, get our own figures; what is amiss is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.lists import score_lists
from sgl_rec.pipeline.run import Run


@pytest.fixture
def run(clicks: pd.DataFrame, tmp_path: Path, restored_state: None) -> Run:
    settings = {"encoder": {"embedding_dim": 4}, "training": {"max_epochs": 2, "backend": "torch"}}
    settings["evaluation"] = {"k": [3, 5]}  # type: ignore[dict-item]
    made = sgl_rec.train(clicks, method="lightgcn", out=tmp_path / "run", settings=settings, threads=1)
    made.evaluate(output=tmp_path / "lists.parquet")
    return made


def rows(run: Run) -> pd.DataFrame:
    return pd.read_parquet(run.path.parent / "lists.parquet")


def scored(run: Run, lists: pd.DataFrame) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    path = run.path.parent / "given.csv"
    lists.to_csv(path, index=False)
    found = score_lists(path, run.folder.data, trained_on=("train",), ks=(3, 5))
    return dict(found.evaluation.per_user), found.notes


def test_our_own_lists_get_our_own_figures(run: Run) -> None:
    lists = rows(run)
    for columns in (["rank"], ["score"]):
        values, notes = scored(run, lists.sample(frac=1, random_state=0)[["user_id", "item_id", *columns]])
        users = run.folder.read_users()
        assert notes == ()
        for name in users.columns.drop("user_id"):
            np.testing.assert_array_equal(values[name], users[name])


def test_a_user_without_a_list_has_missed_everything(run: Run) -> None:
    lists, users = rows(run), run.folder.read_users()
    first = users["user_id"][0]
    values, notes = scored(run, lists[lists["user_id"] != first])
    expected = users["ndcg@5"].to_numpy(copy=True)
    expected[0] = 0
    np.testing.assert_array_equal(values["ndcg@5"], expected)
    assert notes == ("given.csv: 1 users without a list",)


def test_items_that_do_not_count_are_misses_where_they_stand(run: Run) -> None:
    lists, stored = rows(run), run.folder.data
    user = lists["user_id"][0]
    index = stored.users.index_of([user])[0]
    touched = stored.items.values[stored.split.train.item[stored.split.train.user == index][0]]
    own = lists["user_id"] == user
    before = lists.copy()
    lists.loc[own & (lists["rank"] == 1), "item_id"] = touched
    lists.loc[own & (lists["rank"] == 2), "item_id"] = 99_999
    values, notes = scored(run, lists.drop(columns="score"))
    kept = before[~(own & before["rank"].isin([1, 2]))]
    held_out = stored.split.test
    hit = set(stored.items.values[held_out.item[held_out.user == index]])
    left = kept.loc[own & (kept["rank"] <= 5), "item_id"]
    place = stored.users.values.take(np.unique(held_out.user)).get_loc(user)
    assert values["recall@5"][place] == pytest.approx(len(hit & set(left)) / len(hit))
    assert notes == (
        "given.csv: 1 items that the data does not have",
        "given.csv: 1 items that leave the ranking",
    )


def test_short_lists_are_said(run: Run) -> None:
    lists = rows(run)
    _, notes = scored(run, lists[lists["rank"] <= 4])
    assert notes == (f"given.csv: {lists['user_id'].nunique()} lists shorter than 5",)


def test_lists_of_other_data_are_refused(run: Run) -> None:
    with pytest.raises(UserError, match="users must be those of the data"):
        scored(run, rows(run).assign(user_id="somebody"))


def test_a_removed_item_is_found_for_its_own_user_alone() -> None:
    from sgl_rec.pipeline.bench.lists import _removed
    from sgl_rec.types import PairIndex

    seen = PairIndex(torch.tensor([0, 1, 1, 2]), torch.tensor([4, 2]), 5)
    item = torch.tensor([[4, 2, -1], [4, 2, 0]])
    assert _removed(item, torch.tensor([0, 2]), seen).tolist() == [[True, False, False], [False, True, False]]


def test_lists_for_use_are_told(run: Run) -> None:
    _, notes = scored(run, run.recommend(k=5))
    assert any("not one test item is in its lists" in note for note in notes)
