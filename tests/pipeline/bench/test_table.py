"""Runs and lists as rows: every column against what the run folders say."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.export.leaderboard import Leaderboard
from sgl_rec.pipeline.bench.journal import Journal
from sgl_rec.pipeline.bench.plan import JOURNAL, Asked, Cell, plan
from sgl_rec.pipeline.bench.processes import run_cells
from sgl_rec.pipeline.bench.table import leaderboard
from sgl_rec.pipeline.build import make_baseline

CPU = torch.device("cpu")


@pytest.fixture
def cells(shop: Asked, in_this_process: None) -> list[Cell]:
    settings = {**(shop.settings or {}), "training": {"max_epochs": 4, "backend": "torch", "learning_rate": 0.3}}
    found = plan(replace(shop, settings=settings), device=CPU)
    shop.out.mkdir()
    assert run_cells(found, Journal(shop.out / JOURNAL)) == []
    return found


def board(cells: list[Cell], **lists: list[Path]) -> Leaderboard:
    journal = Journal(Path("out") / JOURNAL)
    return leaderboard(cells, metric="ndcg@10", against="lightgcn", lists=lists, journal=journal, facts={})


def test_every_column_is_what_the_runs_say(cells: list[Cell]) -> None:
    table = board(cells).table.set_index("method")
    runs = [sgl_rec.load_run(cell.folder.path) for cell in cells if cell.method == "xsimgcl"]
    row, both = table.loc["xsimgcl"], [run.metrics for run in runs]
    for name in ("recall@5", "ndcg@5", "recall@10", "ndcg@10"):
        figures = pd.Series([metrics["test"][name] for metrics in both])
        assert row[name] == pytest.approx(figures.mean())
        assert row[f"{name}_sd"] == pytest.approx(figures.std())
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    assert row["valid_ndcg@10"] == pytest.approx(sum(metrics["valid"]["ndcg@10"] for metrics in both) / 2)
    assert row["epoch"] == sum(metrics["epoch"] for metrics in both) / 2
    until = [run.history[run.history["epoch"] <= run.metrics["epoch"]] for run in runs]
    seconds = [(part["seconds"] + part["seconds_validation"]).sum() for part in until]
    assert row["seconds"] == pytest.approx(sum(seconds) / 2)
    assert row["peak_memory"] > 10**8
    assert row["removed_at_test"] == "train + valid"
    assert row["selected_on"] == "valid ndcg@20"
    assert (Path("out") / row["settings"]).is_file()
    assert row["difference"] == pytest.approx(row["ndcg@10"] - table.loc["lightgcn", "ndcg@10"])
    assert row["p"] <= row["p_holm"] <= 2 * row["p"]
    assert table.loc["lightgcn", ["difference", "p"]].isna().all()
    popularity = table.loc["popularity"]
    assert popularity["ndcg@10"] == pytest.approx(both[0]["baselines"]["popularity"]["ndcg@10"])


def test_the_fit_of_a_late_sum_takes_its_seconds(
    shop: Asked, in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = {**(shop.settings or {}), "late_sum": {"name": "ease"}}
    found = plan(replace(shop, methods=("lightgcn",), seeds=(0,), settings=late), device=CPU)
    shop.out.mkdir()

    def slow(config: Any, data: Any, *, vectors: Any) -> Any:
        time.sleep(0.3)
        return make_baseline(config, data, vectors=vectors)

    monkeypatch.setattr("sgl_rec.pipeline.late.make_baseline", slow)
    assert run_cells(found, Journal(shop.out / JOURNAL)) == []
    run = sgl_rec.load_run(found[0].folder.path)
    epochs = run.history[["seconds", "seconds_validation"]].to_numpy().sum()
    assert board(found).table.set_index("method").loc["lightgcn", "seconds"] > epochs + 0.3


def test_lists_of_another_library_stand_among_the_methods(cells: list[Cell]) -> None:
    files = []
    for cell in cells[:2]:
        files.append(Path(f"peer-{cell.seed}.parquet"))
        sgl_rec.load_run(cell.folder.path).evaluate(output=files[-1])
    first = board(cells, peer=files[:1])
    assert first.table.set_index("method").loc["peer", "seeds"] == 1
    both = board(cells, peer=files).table.set_index("method")
    for name in ("ndcg@10", "ndcg@10_low", "ndcg@10_sd", "recall@5"):
        assert both.loc["peer", name] == pytest.approx(both.loc["lightgcn", name]), "they are its own lists"
    assert both.loc["peer", ["difference", "p"]].tolist() == [0, 1]
    assert both.loc["peer", ["seconds", "trials"]].isna().all()
    assert Journal(Path("out") / JOURNAL).cells()["shop/peer"]["test_scored"] == 2, "each file once"
    assert (
        "peer: 2 files of lists have been scored on the test part, 1 are shown."
        in board(cells, peer=files[:1]).notes
    )


def test_unequal_numbers_of_trials_are_said(shop: Asked, cells: list[Cell]) -> None:
    assert not [note for note in board(cells).notes if "trials" in note]
    tuned = plan(replace(shop, methods=("sgl-ed",), settings={**(shop.settings or {}), "trials": 8}), device=CPU)
    run_cells(tuned, Journal(shop.out / JOURNAL))
    (note,) = [note for note in board([*cells, *tuned]).notes if "trials" in note]
    assert note.endswith("different numbers of trials: lightgcn 0, xsimgcl 0, sgl-ed 8.")


def test_methods_measured_on_other_users_are_refused(shop: Asked, cells: list[Cell]) -> None:
    other = {**(shop.settings or {}), "data": {"split_seed": 5, "test_share": 0.3}}
    others = plan(replace(shop, methods=("sgl-ed",), settings=other), device=CPU)
    run_cells(others, Journal(shop.out / JOURNAL))
    users = [set(cell.folder.read_users()["user_id"]) for cell in (cells[0], others[0])]
    if users[0] == users[1]:
        others[0].folder.users_file.unlink()
    with pytest.raises(UserError, match=r"the measured users|users\.parquet"):
        board([*cells, *others])


def test_a_baseline_whose_runs_failed_is_said_and_the_table_stands(cells: list[Cell]) -> None:
    for cell in cells:
        if cell.method == "lightgcn":
            cell.folder.metrics_file.unlink()
    found = board(cells)
    assert set(found.table["method"]) == {"xsimgcl", "popularity"}
    assert found.table["p"].isna().all()
    assert "Warning: lightgcn has no finished run: nothing is tested against it." in found.notes
