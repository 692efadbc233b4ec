"""Facts, curves, reach, map and sample users of a report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.baselines.popularity import Popularity
from sgl_rec.pipeline.report.parts import DRAWN, facts, head_of, item_map, notes, panels
from sgl_rec.pipeline.run_folder import RunFolder, StoredData
from sgl_rec.types import Embeddings, Ids, Interactions, Split


def test_facts_say_what_the_run_was(tiny_run: Path, tmp_path: Path) -> None:
    run = sgl_rec.load_run(tiny_run)
    found = dict(facts(run.metrics, log_file=run.folder.log_file))
    assert found["Data"].endswith(run.metrics["sha256"][:12])
    assert "random (seed 0, split seed 0)" in found["Split"]
    assert found["Date"][:2] == "20"
    (tmp_path / "log.txt").write_bytes(b"\xff\0<script>")
    for log_file in (tmp_path / "log.txt", tmp_path / "absent", tmp_path):
        assert dict(facts(run.metrics, log_file=log_file))["Date"] == "not known"


def test_every_column_of_the_history_is_drawn_once(tiny_run: Path) -> None:
    history = sgl_rec.load_run(tiny_run).history
    found = panels(history)
    lines = [series for charts in found.values() for panel in charts for series in panel.series]
    assert len(lines) == len(history.columns) - 1
    assert set(found) == {"Loss terms", "Validation", "Monitors", "Time"}
    titles = {panel.title: [series.name for series in panel.series] for panel in found["Validation"]}
    assert titles["ndcg"] == ["ndcg@10", "ndcg@20"]
    assert panels(history.head(1)) == panels(pd.DataFrame()) == {}


@pytest.mark.parametrize(
    ("degree", "head"), [([5, 1, 1, 1], [0]), ([1, 1, 1, 1], [0, 1]), ([0, 2, 8, 7], [2, 3]), ([3], [0])]
)
def test_the_head_holds_half_of_all_interactions(degree: list[int], head: list[int]) -> None:
    assert np.flatnonzero(head_of(np.array(degree))).tolist() == head


def test_where_popularity_wins_it_is_said(tiny_run: Path) -> None:
    metrics = {**sgl_rec.load_run(tiny_run).metrics, "model_trained_on": ["train"]}
    metrics["test"] = {"recall@20": 0.1, "gini@20": 0.1}
    metrics["baselines"] = {"popularity": {"recall@20": 0.2, "gini@20": 0.9}}
    assert notes(metrics) == ["Popularity is as good or better at recall@20."]


def stored(num_items: int, titles: np.ndarray | None) -> StoredData:
    none = Interactions(np.empty(0, np.int64), np.empty(0, np.int64), 1, num_items)
    split = Split("own", none, none, none, none)
    return StoredData(split, Ids(pd.Index([1])), Ids(pd.Index(range(num_items))), titles, {})


def test_the_map_shows_the_most_popular_of_what_was_trained() -> None:
    size = DRAWN + 50
    degree = np.arange(size)  # the first was never trained on
    table = torch.randn(size, 3, generator=torch.Generator().manual_seed(0))
    titles = np.array([None, ""] + [f"t{number}" for number in range(2, size)], object)
    found = item_map(Embeddings(table[:1], table), stored(size, titles), degree, head=degree > size - 10)
    assert found is not None
    assert (len(found.dots), found.num_items, len(found.labelled)) == (DRAWN, size - 1, 30)
    assert found.dots[0].title == f"t{size - 1}"
    assert found.dots[0].radius > found.dots[-1].radius
    assert [dot.kind for dot in found.dots[:12]] == [0] * 9 + [1] * 3


def test_without_titles_an_item_is_its_id_and_a_method_without_embeddings_has_no_map() -> None:
    given, degree = stored(2, None), np.array([1, 2])
    found = item_map(Embeddings(torch.ones(1, 2), torch.eye(2)), given, degree, head=degree > 1)
    assert found is not None
    assert [dot.title for dot in found.dots] == ["1", "0"]
    popular = Popularity(Interactions(np.array([0]), np.array([1]), 1, 2))
    assert item_map(popular, given, degree, head=degree > 1) is None


def test_sample_users_are_spread_over_a_history(tiny_run: Path) -> None:
    from sgl_rec.pipeline.report.report import gather

    folder = RunFolder.open(tiny_run)
    for sample in gather(folder).samples:
        assert len(sample.history) == min(12, sample.activity)
        assert len(sample.held_out) == min(12, sample.num_held_out)
