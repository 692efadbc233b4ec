"""The page of a run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.report.report import gather, report_run
from sgl_rec.pipeline.run_folder import RunFolder

FAST = {"encoder": {"embedding_dim": 4}, "training": {"max_epochs": 2}}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose ids and titles are markup, trained on everything in the end."""
    user, item = np.nonzero(np.random.default_rng(0).random((40, 25)) < 0.4)
    frame = pd.DataFrame({"user_id": [f"<u{u}>&'\"" for u in user], "item_id": [f"</svg><i{i}>" for i in item]})
    frame["title"] = [f"<script>alert({i})</script>" if i % 2 else "" for i in item]
    settings = {**FAST, "data": {"title_column": "title"}, "training": {"max_epochs": 2, "refit": "all"}}
    folder = tmp_path_factory.mktemp("hostile") / "run"
    sgl_rec.train(frame, method="lightgcn", settings=settings, out=folder, threads=1)
    return folder


def test_the_figures_are_those_of_the_run(tiny_run: Path) -> None:
    folder = RunFolder.open(tiny_run)
    report, metrics = gather(folder), sgl_rec.load_run(tiny_run).metrics
    assert report.k == 20
    assert {row.metric: row.ours for row in report.rows} == metrics["test"]
    assert report.rows[0].interval == tuple(metrics["interval"][report.rows[0].metric])
    users = sum(group.size for group in report.by_user)
    assert users == metrics["protocol"]["users_measured"]
    for name in ("recall", "ndcg"):
        mean = sum(group.size * group.ours[name] for group in report.by_user) / users
        assert mean == pytest.approx(metrics["test"][f"{name}@20"])
        theirs = sum(group.size * group.popularity[name] for group in report.by_user) / users
        assert theirs == pytest.approx(metrics["baselines"]["popularity"][f"{name}@20"])
    assert 5 <= len(report.by_item) <= 10
    assert report.by_item[0].low > report.by_item[-1].high
    shown = {name: ours for name, ours, _ in report.reach.rows}
    assert shown["items in any list"] == f"{metrics['test']['coverage@20']:.1%}"
    assert shown["mean interactions of a listed item"] == f"{metrics['test']['mean_popularity@20']:,.1f}"


def test_sample_users_have_the_lists_that_were_scored(tiny_run: Path, tmp_path: Path) -> None:
    run = sgl_rec.load_run(tiny_run)
    run.evaluate(output=tmp_path / "lists.parquet")
    lists = pd.read_parquet(tmp_path / "lists.parquet").set_index("user_id")
    titles = dict(zip(run.item_ids, run.folder.data.titles, strict=True))
    pairs = pd.read_parquet(tiny_run / "interactions.parquet")
    test = pairs[pairs["part"] == "test"].groupby("user_id")["item_id"].agg(set)
    samples = gather(run.folder).samples
    assert len(samples) == 6
    assert [sample.activity for sample in samples] == sorted((s.activity for s in samples), reverse=True)
    for sample in samples:
        best = lists.loc[int(sample.user)].sort_values("rank")["item_id"].head(10)
        assert [title for title, _ in sample.listed] == [titles[item] for item in best]
        assert [hit for _, hit in sample.listed] == [item in test[int(sample.user)] for item in best]


def test_a_page_is_the_same_every_time_and_lies_in_the_folder(run_copy: Path) -> None:
    run = sgl_rec.load_run(run_copy)
    path = run.report()
    assert path == run_copy / "report.html"
    first = path.read_bytes()
    assert run.report(run_copy.parent / "sub" / "again.HTML").read_bytes() == first
    assert report_run(RunFolder.open(run_copy), memory_budget=10**6).read_bytes() == first
    assert RunFolder.open(run_copy).strangers() == []
    assert len(first) < 1_000_000
    sgl_rec.train("demo", method="lightgcn", settings=FAST, out=run_copy, overwrite=True, threads=1)
    assert not path.exists()


def test_hostile_titles_stay_text_and_a_model_of_all_data_is_not_measured(hostile: Path) -> None:
    text = sgl_rec.load_run(hostile).report(hostile.parent / "page.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;/svg&gt;&lt;i0&gt;" in text
    assert re.search("</svg><i|<u[0-9]", text) is None
    assert text.count("trained on the test part too") == 3
    report = gather(RunFolder.open(hostile))
    assert report.rows
    assert not report.by_item
    assert report.reach.num_lists == 40
    assert not any(hit for sample in report.samples for _, hit in sample.listed)


def test_without_a_test_part_and_without_validation(clicks: pd.DataFrame, tmp_path: Path) -> None:
    few = clicks.groupby("user_id").head(1)  # nobody has one to spare
    run = sgl_rec.train(few, method="lightgcn", settings=FAST, out=tmp_path / "run", threads=1)
    report = gather(run.folder)
    assert "no test interactions" in report.not_measured
    assert any("No epoch was chosen" in note for note in report.notes)
    assert "There are no test interactions" in run.report().read_text(encoding="utf-8")


def test_a_baseline_has_neither_curves_nor_a_map(clicks: pd.DataFrame, tmp_path: Path) -> None:
    run = sgl_rec.train(clicks, method="itemknn", out=tmp_path / "run", threads=1)
    report = gather(run.folder)
    assert report.item_map is None
    assert report.panels == {}
    assert report.by_user
    page = run.report().read_text(encoding="utf-8")
    assert "no embeddings of items" in page
    assert "there are no curves" in page


@pytest.mark.parametrize("name", ["page.txt", "page", "metrics.json", "model.safetensors"])
def test_another_suffix_is_refused(run_copy: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"output: file name must be one that ends in \.html or \.htm"):
        sgl_rec.load_run(run_copy).report(run_copy / name)


def test_neither_the_run_nor_its_data_is_written_over(run_copy: Path) -> None:
    with pytest.raises(UserError, match="must not be a file of the run itself"):
        sgl_rec.load_run(run_copy).report(run_copy / "checkpoint" / "page.html")


def test_an_unfinished_run_has_none(run_copy: Path) -> None:
    (run_copy / "metrics.json").unlink()
    with pytest.raises(UserError, match=r"training must have finished, got no metrics\.json"):
        sgl_rec.load_run(run_copy).report()
    assert not (run_copy / "report.html").exists()
