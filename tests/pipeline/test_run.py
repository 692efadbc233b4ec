"""A finished run in Python."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.errors import UserError


def test_a_frame_in_everything_out(clicks: pd.DataFrame, tmp_path: Path, restored_state: None) -> None:
    settings = {"encoder": {"embedding_dim": 4}, "training": {"max_epochs": 3}, "evaluation": {"k": [2, 20]}}
    run = sgl_rec.train(clicks, method="sgl-ed", out=tmp_path / "run", settings=settings, threads=1)
    assert run.path == tmp_path / "run"
    assert run.metrics["dataset"] == "dataframe@"
    assert run.metrics["test"].keys() >= {"recall@2", "ndcg@20"}
    assert run.history["epoch"].tolist() == [1, 2, 3]
    assert {"seconds", "seconds_validation", "loss", "ranking", "contrastive", "ndcg@20"} <= set(run.history)
    tables = run.embeddings()
    assert (tables.user.shape, tables.item.shape) == ((30, 4), (20, 4))
    assert run.user_ids.tolist() == sorted(set(clicks["user_id"]))
    assert run.item_ids.tolist() == sorted(set(clicks["item_id"]))
    assert run.evaluate()["test"] == run.metrics["test"]
    lists = run.recommend(["u07", "u03"], k=10)
    assert lists["user_id"].drop_duplicates().tolist() == ["u07", "u03"]
    assert lists.merge(clicks, on=["user_id", "item_id"]).empty
    assert len(run.similar([104], k=5)) == 5


def test_a_loaded_run_is_the_run(tiny_run: Path) -> None:
    first, second = sgl_rec.load_run(tiny_run), sgl_rec.load_run(str(tiny_run))
    assert isinstance(first, sgl_rec.Run)
    assert repr(first) == f"Run({str(tiny_run)!r})"
    assert first.metrics == second.metrics
    assert torch.equal(first.embeddings().item, second.embeddings().item)
    assert first.recommend(k=3).equals(second.recommend(k=3))


def test_the_scores_are_those_of_the_embeddings(tiny_run: Path) -> None:
    run = sgl_rec.load_run(tiny_run)
    row = run.recommend([42], k=1).iloc[0]
    user, item = run.user_ids.get_loc(42), run.item_ids.get_loc(row["item_id"])
    expected = run.embeddings().user[user] @ run.embeddings().item[item]
    assert row["score"] == pytest.approx(expected.item(), rel=1e-5)


def test_no_run_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", tmp_path / "absent\0"):
        with pytest.raises(UserError, match="must be a run folder"):
            sgl_rec.load_run(path)
