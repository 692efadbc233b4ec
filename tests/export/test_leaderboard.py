"""The leaderboard as text: what a reader sees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgl_rec.export.leaderboard import SECONDS, Leaderboard, markdown, write_csv


@pytest.fixture
def board() -> Leaderboard:
    nan = float("nan")
    table = pd.DataFrame(
        {
            "method": ["ours|x", "popularity"],
            "seeds": [3, 1], "ndcg@20": [0.32754, 0.2],
            "recall@20": [0.25, 0.125], "ndcg@20_low": [0.32, 0.19], "ndcg@20_high": [0.335, 0.21],
            "ndcg@20_sd": [0.0012, nan],
            "difference": [0.12754, nan], "p_holm": [0.0002, nan], "valid_ndcg@20": [0.3, nan],
            "both_removed_ndcg@20": [nan, nan], "seconds": [123.4, nan], "epoch": [17.0, nan],
            "peak_memory": [812e6, nan], "trials": [8.0, nan], "removed_at_test": ["train", "train"],
            "split": ["lightgcnpp"] * 2, "selected_on": ["valid ndcg@20", None],
        }
    )  # fmt: skip
    metrics = ("ndcg@20", "recall@20")
    return Leaderboard("ml-1m", table, "ndcg@20", metrics, "popularity", {"threads": "2"}, ["Warning: few."])


def cells(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.replace("\\|", "/").strip("|").split("|")] for row in rows]


def test_what_a_reader_sees(board: Leaderboard) -> None:
    text = markdown([board])
    header, ruler, ours, popularity = cells(text)
    assert len({len(row) for row in (header, ruler, ours, popularity)}) == 1
    shown = dict(zip(header, ours, strict=True))
    assert shown == {
        "method": "ours/x", "seeds": "3", "ndcg@20 [95 %]": ".3275 [.3200, .3350]", "sd of seeds": ".0012",
        "recall@20": ".2500", "valid ndcg@20": ".3000", "less popularity": "+.1275", "p (Holm)": "<.001",
        "seconds": "123", "epoch": "17", "peak MB": "812", "trials": "8",
    }  # fmt: skip
    assert dict(zip(header, popularity, strict=True))["p (Holm)"] == "–"
    assert "## ml-1m" in text
    assert (
        "split: lightgcnpp; removed from the ranking at test: train; chosen on: valid ndcg@20; threads: 2."
        in text
    )
    assert text.endswith(f"- Warning: few.\n\n{SECONDS}\n")
    assert markdown([board, board]).count(SECONDS) == 1


def test_what_differs_between_rows_is_a_column(board: Leaderboard) -> None:
    other = replace(board, table=board.table.assign(selected_on=["valid ndcg@20", "none"]))
    assert cells(markdown([other]))[2][-1] == "valid ndcg@20"
    assert "chosen on" not in markdown([other])


def test_a_difference_of_nothing_and_a_loss_have_their_signs(board: Leaderboard) -> None:
    table = board.table.assign(difference=[-0.0123, 0.0], p_holm=[0.05, 1.0], seconds=[0.25, 9.96])
    rows = [dict(zip(cells(markdown([replace(board, table=table)]))[0], row, strict=True)) for row in
            cells(markdown([replace(board, table=table)]))[2:]]  # fmt: skip
    assert [row["less popularity"] for row in rows] == ["-.0123", "+.0000"]
    assert [row["p (Holm)"] for row in rows] == [".050", "1.000"]
    assert [row["seconds"] for row in rows] == [".2", "10.0"]


def test_csv_has_every_row_in_full(board: Leaderboard, tmp_path: Path) -> None:
    write_csv([board, replace(board, dataset="gowalla")], tmp_path / "board.csv")
    read = pd.read_csv(tmp_path / "board.csv")
    assert read.columns[0] == "dataset"
    assert read["dataset"].tolist() == ["ml-1m", "ml-1m", "gowalla", "gowalla"]
    assert np.array_equal(read["ndcg@20"], [0.32754, 0.2] * 2)
