"""The figures of a run from its folder alone, and exactly the lists that were scored."""

from __future__ import annotations

from pathlib import Path

import ir_measures
import numpy as np
import pandas as pd
import pytest
from ir_measures import R, nDCG

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.evaluate import evaluate_run
from sgl_rec.pipeline.run_folder import RunFolder
from tests.reference.ranx_scores import ranx_scores


@pytest.fixture(scope="module")
def orphan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose source data has been deleted."""
    folder = tmp_path_factory.mktemp("orphan")
    generator = np.random.default_rng(1)
    user, item = np.nonzero(generator.random((150, 6)) @ generator.random((6, 90)) > 1.9)
    source = folder / "shop.csv"
    pd.DataFrame({"user_id": user * 11, "item_id": [f"i{number}" for number in item]}).to_csv(source, index=False)
    settings = {"encoder": {"embedding_dim": 8}, "training": {"max_epochs": 2}}
    sgl_rec.train(str(source), method="sgl-ed", out=folder / "run", settings=settings, threads=1)
    source.unlink()
    return folder / "run"


def test_other_programs_give_the_lists_the_same_figures(orphan: Path, tmp_path: Path) -> None:
    run = sgl_rec.load_run(orphan)
    assert run.evaluate(output=tmp_path / "lists.parquet")["test"] == run.metrics["test"]
    lists = pd.read_parquet(tmp_path / "lists.parquet").astype({"user_id": str})
    known = pd.read_parquet(orphan / "interactions.parquet").astype({"user_id": str})
    truth = known[known["part"] == "test"]
    assert lists["user_id"].nunique() == truth["user_id"].nunique() > 100
    # Both sort again by score, so that ties could fall otherwise: the rank, negated, is the score.
    ranked: dict[str, dict[str, float]] = {}
    for user, item, rank in zip(lists["user_id"], lists["item_id"], lists["rank"], strict=True):
        ranked.setdefault(user, {})[item] = -float(rank)
    relevant: dict[str, dict[str, int]] = {}
    for user, item in zip(truth["user_id"], truth["item_id"], strict=True):
        relevant.setdefault(user, {})[item] = 1
    expected = {name: run.metrics["test"][name] for name in ("recall@20", "ndcg@20")}
    first = ir_measures.calc_aggregate([R @ 20, nDCG @ 20], relevant, ranked)
    assert {"recall@20": first[R @ 20], "ndcg@20": first[nDCG @ 20]} == pytest.approx(expected, abs=1e-6)
    assert ranx_scores(relevant, ranked, list(expected)) == pytest.approx(expected, abs=1e-6)


def test_what_is_scored_holds_nothing_that_was_trained_on(orphan: Path, tmp_path: Path) -> None:
    sgl_rec.load_run(orphan).evaluate(output=tmp_path / "lists.csv")
    lists = pd.read_csv(tmp_path / "lists.csv")
    known = pd.read_parquet(orphan / "interactions.parquet")
    met = lists.merge(known, on=["user_id", "item_id"])
    assert set(met["part"]) == {"test"}


def test_protocol_is_that_of_training(orphan: Path) -> None:
    run = sgl_rec.load_run(orphan)
    found, stored = run.evaluate()["protocol"], run.metrics["protocol"]
    for key in ("split", "remove_at_test", "users_measured", "users_left_out"):
        assert found[key] == stored[key]


def test_cut_offs_do_not_change_a_figure(orphan: Path) -> None:
    run = sgl_rec.load_run(orphan)
    found = run.evaluate(ks=[1, 20, 50])["test"]
    assert found["ndcg@20"] == run.metrics["test"]["ndcg@20"]
    assert found["recall@1"] <= found["recall@20"] <= found["recall@50"]


def test_a_wrong_suffix_writes_nothing(orphan: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.parquet, \.csv, \.jsonl"):
        evaluate_run(RunFolder.open(orphan), output=tmp_path / "lists.txt")
    assert list(tmp_path.iterdir()) == []
