from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from sgl_rec.data.assemble import dataset_from_frame
from sgl_rec.data.demo import ATTRIBUTES, FEWEST, MOST, demo_dataset_tables, demo_sha256
from sgl_rec.data.splits import random_split


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return demo_dataset_tables()


def test_shape(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    interactions, items = tables
    assert len(interactions) == 60_000
    assert not interactions.duplicated(["user_id", "item_id"]).any()
    degree = interactions["user_id"].value_counts()
    assert (len(degree), degree.min() >= FEWEST, degree.max() <= MOST) == (2_000, True, True)
    assert set(interactions["item_id"]) == set(items["item_id"])
    assert len(items) == items["title"].nunique() == 1_000
    years = pd.to_datetime(interactions["timestamp"], unit="s").dt.year
    assert set(years) == {2024}


def test_popularity_is_skewed(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    degree = tables[0]["item_id"].value_counts().to_numpy()
    assert degree[:100].sum() > 0.25 * degree.sum()


def test_titles_are_made_of_the_attributes(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for row in tables[1].head(50).itertuples():
        assert row.title.lower().split() == [row.colour, row.pattern, row.material, row.kind]


def test_the_seed_decides() -> None:
    assert demo_sha256(demo_dataset_tables(3)[0]) == demo_sha256(demo_dataset_tables(3)[0])
    assert demo_sha256(demo_dataset_tables(3)[0]) != demo_sha256(demo_dataset_tables(4)[0])


def test_neighbours_and_content_both_beat_popularity(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    """NDCG@20 of a truncated SVD, and of the attributes alone, beside popularity's."""
    interactions, items = tables
    split = random_split(dataset_from_frame(interactions))
    train, test = (_matrix(part.user, part.item) for part in (split.train, split.test))
    seen = train + _matrix(split.valid.user, split.valid.item)
    popularity = train.sum(0)
    scaled = train / np.sqrt(train.sum(1, keepdims=True)) / np.sqrt(popularity + 1)
    left, values, right = svds(csr_array(scaled), k=12, random_state=0)
    low_rank = (left * values) @ right
    has = np.concatenate(
        [np.array([[value == name for name in names] for value in items[column]], float)
         for column, names in ATTRIBUTES.items()], axis=1,
    )  # fmt: skip
    profile = train @ has / train.sum(1, keepdims=True)
    content = np.log((profile + 0.02) / (has.mean(0) + 0.02)) @ has.T
    bar = _ndcg(np.tile(popularity, (2_000, 1)), seen, test)
    assert _ndcg(low_rank, seen, test) > 1.5 * bar
    assert _ndcg(content, seen, test) > 1.5 * bar


def _matrix(user: np.ndarray, item: np.ndarray) -> np.ndarray:
    matrix = np.zeros((2_000, 1_000))
    matrix[user, item] = 1
    return matrix


def _ndcg(scores: np.ndarray, seen: np.ndarray, test: np.ndarray) -> float:
    best = np.argsort(-np.where(seen > 0, -np.inf, scores), axis=1)[:, :20]
    discount = 1 / np.log2(np.arange(2, 22))
    gain = np.take_along_axis(test, best, axis=1) @ discount
    ideal = np.cumsum(discount)[np.minimum(test.sum(1).astype(int), 20) - 1]
    return float((gain / ideal).mean())
