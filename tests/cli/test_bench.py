"""``sgl-rec bench``: words in, a table out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sgl_rec.cli.bench import parse_seeds

TWO = ("bench", "--dataset", "shop.csv", "--method", "lightgcn", "--threads", "1")
SMALL = (
    "--max-epochs",
    "1",
    "--set",
    "encoder.embedding_dim=4",
    "--set",
    "training.backend=torch",
    "--seeds",
    "0",
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_this_process: None) -> Path:
    """The working folder, with a file of a log; cells train in this process."""
    monkeypatch.chdir(tmp_path)
    rows = {(f"u{user}", (user * 7 + step * 3) % 13) for user in range(20) for step in range(7)}
    pd.DataFrame(sorted(rows), columns=["user_id", "item_id"]).to_csv("shop.csv", index=False)
    return tmp_path


def test_the_table_goes_to_stdout_and_all_else_to_stderr(call: Any, shop: Path) -> None:
    result = call(*TWO, *SMALL, "--out", "out")
    assert result.code == 0, result.err
    assert result.out == (shop / "out/leaderboard.md").read_text()
    assert result.out.startswith("## shop\n")
    assert "[1/1] shop/lightgcn/seed-0: epoch 1 of 1" in result.err
    assert result.err.splitlines()[-1] == "leaderboard: out/leaderboard.md"
    again = call(*TWO, *SMALL, "--out", "out", "--quiet")
    assert (again.code, again.err) == (0, "")
    assert again.out == result.out


def test_dry_run_lists_the_runs_and_writes_nothing(call: Any, shop: Path) -> None:
    result = call(*TWO, "--method", "sgl-ed", "--seeds", "3,0-1", "--out", "out", "--dry-run")
    assert result.code == 0
    assert result.out.splitlines() == [
        f"shop/{method}/seed-{seed}{' ' * (8 - len(method))}  to train"
        for method in ("lightgcn", "sgl-ed")
        for seed in (3, 0, 1)
    ]
    assert not (shop / "out").exists()
    call(*TWO, *SMALL, "--out", "out")
    assert call(*TWO, *SMALL, "--out", "out", "--dry-run").out.split()[1:] == ["done"]


@pytest.mark.parametrize(("cuts", "metric"), [("3,5", "ndcg@5"), ("20,30", "ndcg@20"), ("30,5", "ndcg@30")])
def test_what_is_tested_where_nobody_says(call: Any, shop: Path, cuts: str, metric: str) -> None:
    result = call(*TWO, *SMALL, "--k", cuts, "--out", "out")
    assert result.code == 0, result.err
    assert f"| method | seeds | {metric} [95 %] |" in result.out


def test_lists_and_against(call: Any, shop: Path) -> None:
    assert call(*TWO, *SMALL, "--out", "out").code == 0
    assert call("evaluate", "out/shop/lightgcn/seed-0", "--output", "own.csv", "--threads", "1").code == 0
    words = ("--out", "out", "--lists", "peer=own.csv", "--against", "peer")
    result = call(*TWO, *SMALL, *words)
    assert result.code == 0, result.err
    assert "less peer" in result.out
    assert "| peer | 1 |" in result.out


def test_the_run_of_a_cell_is_an_ordinary_one(call: Any, shop: Path) -> None:
    assert call(*TWO, *SMALL, "--refit", "--out", "out").code == 0
    path = "out/shop/lightgcn/seed-0"
    assert call("recommend", path, "--k", "3", "--output", "r.csv", "--threads", "1").code == 0
    result = call("train", "--resume", path, "--threads", "1")
    assert "is finished; nothing is left to do" in result.err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--out shop.csv", "must be a folder, got a file"),
        ("--out out --method nosuch", "--method: name must be a known method"),
        ("--out out --method lightgcn", "each of a name of its own"),
        ("--out out --dataset ./nosuch", "nosuch"),
        ("--out out --split nosuch", "nosuch"),
        ("--out out --seeds 1-0", "--seeds"),
        ("--out out --seeds 0,0", "--seeds"),
        ("--out out --seeds x", "--seeds"),
        ("--out out --seeds 0-99999999", "--seeds: must be at most 1000 seeds, got '0-99999999'"),
        ("--out out --seeds 0-599,600-1000", "--seeds: must be at most 1000 seeds, got '0-599,600-1000'"),
        ("--out out --seeds 0-9999999999", "--seeds: must be distinct numbers of up to 9 digits"),
        ("--out out --method ease --set encoder.num_layers=1", "config of ease: baseline must stand without"),
        ("--out out --set late_sum.weight=1.0", "config of lightgcn: late_sum.name must be given, got none"),
        ("--out out --set late_sum.name=eas", "late_sum: name must be a known baseline, got 'eas'; did you mean"),
        ("--out out --method ./missing.toml", "--method: ./missing.toml must be a method's file, got none"),
        ("--out out --set training.seed=1", "say --seeds"),
        ("--out out --set training.sead=1", "did you mean 'seed'"),
        ("--out out --metric ndgc@20", "did you mean 'ndcg@20'"),
        ("--out out --metric ndcg@7", "--metric"),
        ("--out out --k 5,10 --metric ndcg@20", "--metric: metric must be one that is measured, got 'ndcg@20'"),
        ("--out out --against nosuch", "--against: name must be one of the methods"),
        ("--out out --lists own.csv", "NAME=FILE"),
        ("--out out --lists a=absent.csv", "must be a file of lists"),
        ("--out out --lists a=shop.csv --lists a=shop.csv", "another file for each seed"),
        ("--out out --lists lightgcn=shop.csv", "no method's"),
        ("--out out --k 0", "--k"),
        ("--out out --device tpu", "--device"),
    ],
)
def test_a_wrong_word_is_one_line_and_nothing_is_written(call: Any, shop: Path, words: str, fault: str) -> None:
    before = sorted(shop.rglob("*"))
    assert fault in call(*TWO, *words.split()).fault
    assert sorted(shop.rglob("*")) == before


def test_other_settings_or_damage_are_refused_in_one_line(call: Any, shop: Path) -> None:
    assert call(*TWO, *SMALL, "--out", "out").code == 0
    assert (
        "training.max_epochs must be 2"
        in call(*TWO, *SMALL, "--out", "out", "--set", "training.max_epochs=2").fault
    )
    (shop / "out/shop/lightgcn/seed-0/users.parquet").write_bytes(b"half")
    assert "users.parquet" in call(*TWO, *SMALL, "--out", "out").fault


def test_lists_with_unknown_users_are_refused_before_anything_is_trained(call: Any, shop: Path) -> None:
    pd.DataFrame({"user_id": ["nobody"], "item_id": [1], "rank": [1]}).to_csv("peer.csv", index=False)
    words = (*TWO, *SMALL, "--out", "out")
    assert (
        "users must be those of the data, got 1 others of 1, 'nobody'"
        in call(*words, "--lists", "p=peer.csv").fault
    )
    assert not (shop / "out").exists()


@pytest.mark.parametrize(
    ("text", "seeds"), [("0", (0,)), ("0-2", (0, 1, 2)), ("5, 1-2", (5, 1, 2)), ("3-3", (3,))]
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds
