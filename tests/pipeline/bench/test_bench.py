"""A bench from end to end: what it leaves, that it goes on where it was killed, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import sgl_rec
from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.bench import bench, run_bench
from sgl_rec.pipeline.bench.plan import Asked

UNTIMED = ["seconds", "peak_memory"]
WORDS = [
    "bench", "--dataset", "shop.csv", "--method", "lightgcn", "--method", "xsimgcl", "--seeds", "0,1",
    "--threads", "1", "--max-epochs", "6", "--set", "encoder.embedding_dim=4", "--set", "training.backend=torch",
    "--set", "training.batch_size=16", "--k", "5,10", "--metric", "ndcg@10",
]  # fmt: skip


def go(asked: Asked, **options: object) -> pd.DataFrame:
    return run_bench(asked, metric="ndcg@10", **options)[0].table  # type: ignore[arg-type]


def test_what_it_leaves(shop: Asked, in_this_process: None) -> None:
    table = go(shop)
    assert sorted(table["method"]) == ["lightgcn", "popularity", "xsimgcl"]
    assert table["ndcg@10"].is_monotonic_decreasing
    left = {path.name for path in shop.out.iterdir()}
    assert left >= {"leaderboard.md", "leaderboard.csv", "shop.png", "bench.json", "journal.jsonl", "shop"}
    for method in ("lightgcn", "xsimgcl"):
        runs = [sgl_rec.load_run(shop.out / "shop" / method / f"seed-{seed}") for seed in (0, 1)]
        assert [run.metrics["protocol"]["seed"] for run in runs] == [0, 1]
        assert {run.metrics["protocol"]["split_seed"] for run in runs} == {0}, "the split stays"
        row = table.set_index("method").loc[method]
        assert row["ndcg@10"] == pytest.approx(sum(run.metrics["test"]["ndcg@10"] for run in runs) / 2)
        assert row[["seeds", "test_scored", "trials"]].tolist() == [2, 1, 0]
    written = pd.read_csv(shop.out / "leaderboard.csv")
    assert written["dataset"].unique().tolist() == ["shop"]
    record = json.loads((shop.out / "bench.json").read_text())
    assert record["cells"]["shop/lightgcn/seed-0"].items() >= {"attempts": 1, "test_scored": 1}.items()
    assert record["environment"]["torch"]
    assert record["command"]


def test_again_nothing_is_trained_and_the_table_is_the_same(shop: Asked, in_this_process: None) -> None:
    first = go(shop)
    before = {path: path.stat().st_mtime_ns for path in shop.out.rglob("model.safetensors")}
    pd.testing.assert_frame_equal(go(shop), first)
    assert {path: path.stat().st_mtime_ns for path in shop.out.rglob("model.safetensors")} == before
    more = go(replace(shop, methods=("lightgcn", "xsimgcl", "sgl-ed"), seeds=(0,)))
    assert len(more) == 4
    assert more.set_index("method").loc["lightgcn", "seeds"] == 1


def test_what_goes_over_every_file_and_what_is_left_out_is_said(
    shop: Asked, in_this_process: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="sgl_rec")
    go(shop)
    text = (shop.out / "leaderboard.md").read_text()
    assert "- Over every method's file: `--set encoder.embedding_dim=4`, `--set encoder.num_layers=1`" in text
    over = json.loads((shop.out / "bench.json").read_text())["over_every_method"]
    assert over == {"config": None, "settings": shop.settings}
    assert "not asked for" not in text + caplog.text
    go(replace(shop, methods=("xsimgcl",)))
    said = (
        "2 finished runs in out are of methods not asked for: shop/lightgcn; name them to have them in the table."
    )
    assert f"- {said}\n" in (shop.out / "leaderboard.md").read_text()
    assert said in caplog.text


def test_a_run_thrown_away_and_trained_anew_is_said(shop: Asked, in_this_process: None) -> None:
    first = go(shop)
    shutil.rmtree(shop.out / "shop/lightgcn/seed-1")
    again = go(shop)
    figures = [name for name in first if name not in (*UNTIMED, "test_scored")]
    pd.testing.assert_frame_equal(again[figures], first[figures])
    assert again.set_index("method").loc["lightgcn", "test_scored"] == 2
    assert "scored more than once: lightgcn 2 times" in (shop.out / "leaderboard.md").read_text()


def test_killed_and_started_again_it_ends_with_the_same_leaderboard(shop: Asked, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def command(out: str) -> list[str]:
        return [sys.executable, "-m", "sgl_rec", *WORDS, "--out", out]

    def figures(out: str) -> pd.DataFrame:
        return pd.read_csv(tmp_path / out / "leaderboard.csv").drop(columns=UNTIMED)

    calm = subprocess.run(command("calm"), cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    assert calm.returncode == 0, calm.stderr.decode()
    for number in range(2):  # in the midst of the first cell, then of the third
        process = subprocess.Popen(
            command("killed"), cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        log = tmp_path / "killed/shop" / ("lightgcn/seed-0", "xsimgcl/seed-0")[number] / "log.txt"
        until = time.monotonic() + 120
        while not (log.is_file() and "epoch 1:" in log.read_text()) and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (tmp_path / "killed/leaderboard.csv").exists()
    done = subprocess.run(command("killed"), cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    pd.testing.assert_frame_equal(figures("killed"), figures("calm"))
    assert b"done before" in done.stderr
    assert done.stdout.startswith(b"## shop")
    cells = json.loads((tmp_path / "killed/bench.json").read_text())["cells"]
    assert sum(cell["attempts"] for cell in cells.values()) > 4
    assert {cell["test_scored"] for cell in cells.values()} == {1}


def test_a_crash_costs_one_cell_and_is_said_at_the_end(
    shop: Asked, in_this_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sgl_rec.pipeline.bench import processes

    run = processes.in_a_process
    monkeypatch.setattr(
        processes, "in_a_process", lambda task: "out of memory" if "lightgcn/seed-1" in task.name else run(task)
    )
    seen: list[pd.DataFrame] = []
    with pytest.raises(UserError, match=r"1 of 4 cells failed, the first: shop/lightgcn/seed-1: out of memory"):
        go(shop, on_boards=lambda boards: seen.append(boards[0].table))
    assert seen[0].set_index("method")["seeds"].to_dict() == {"lightgcn": 1, "xsimgcl": 2, "popularity": 1}
    assert "1 of 4 runs are missing: shop/lightgcn/seed-1" in (shop.out / "leaderboard.md").read_text()
    monkeypatch.setattr(processes, "in_a_process", run)
    assert go(shop).set_index("method").loc["lightgcn", "seeds"] == 2


def test_where_every_run_fails_the_first_fault_is_said_and_no_table(
    shop: Asked, monkeypatch: pytest.MonkeyPatch, restored_state: None
) -> None:
    monkeypatch.setattr("sgl_rec.pipeline.bench.processes.in_a_process", lambda task: "out of memory")
    with pytest.raises(UserError, match="4 of 4 cells failed"):
        go(shop, on_boards=lambda boards: pytest.fail("there is nothing to show"))
    assert not (shop.out / "leaderboard.md").exists()
    assert "out of memory" in (shop.out / "bench.json").read_text()


def test_a_run_is_no_place_for_a_bench(shop: Asked, in_this_process: None) -> None:
    go(replace(shop, methods=("lightgcn",), seeds=(0,)))
    with pytest.raises(UserError, match="must be a folder for many runs, got a run"):
        go(replace(shop, out=shop.out / "shop/lightgcn/seed-0"))


def test_in_python(shop: Asked, in_this_process: None) -> None:
    table = sgl_rec.bench(
        "shop.csv", ["lightgcn"], out=shop.out, seeds=[0], settings=shop.settings, metric="recall@5", threads=1,
        against="lightgcn",
    )  # fmt: skip
    assert table["dataset"].tolist() == ["shop", "shop"]
    assert table.set_index("method").loc["popularity", "p"] <= 1
    assert sgl_rec.bench is bench


@pytest.mark.parametrize(
    ("change", "options", "fault"),
    [
        ({"datasets": ()}, {}, "one or more of each, got none"),
        ({"methods": ()}, {}, "one or more of each, got none"),
        ({"methods": ("lightgcn", "lightgcn")}, {}, "of a name of its own, got shop/lightgcn/seed-0 twice"),
        ({"methods": ("lightgc",)}, {}, "did you mean 'lightgcn'"),
        ({"datasets": ("shop.csv", "./shop.csv")}, {}, "of a name of its own"),
        ({"datasets": ("-",)}, {}, "names or paths, got standard input"),
        ({"datasets": ("absent.csv",)}, {}, "absent.csv"),
        ({"seeds": (0, 0)}, {}, "--seeds: seeds must be distinct"),
        ({"settings": {"training": {"seed": 1}}}, {}, "say --seeds"),
        ({"settings": {"training": 1}}, {}, "training"),
        ({"out": Path("shop.csv")}, {}, "must be a folder, got a file"),
        ({"out": Path("shop.csv/below")}, {}, "cannot be made"),
        ({}, {"against": "eas"}, "--against: name must be one of the methods, got 'eas'"),
        ({}, {"metric": "ndcg@20"}, "--metric: metric must be one that is measured, got 'ndcg@20'; did you mean"),
        ({}, {"lists": {"lightgcn": ["shop.csv"]}}, "name must be no method's, got 'lightgcn'"),
        ({}, {"lists": {"peer": ["absent.csv"]}}, "absent.csv must be a file of lists"),
        ({"datasets": ("shop.csv", "demo")}, {"lists": {"peer": ["shop.csv"]}}, "given for one data set"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_is_written(
    shop: Asked, in_this_process: None, change: dict[str, object], options: dict[str, object], fault: str
) -> None:
    with pytest.raises(UserError, match=fault):
        run_bench(replace(shop, **change), **{"metric": "ndcg@10", **options})  # type: ignore[arg-type]
    assert not shop.out.exists()


def test_another_method_is_not_called_popularity(shop: Asked) -> None:
    Path("popularity.toml").write_text('method = "popularity"\n[baseline]\nname = "ease"\n')
    with pytest.raises(UserError, match="method must be of another name than the baseline's, got 'popularity'"):
        run_bench(replace(shop, methods=("popularity.toml",), settings={}), metric="ndcg@10")
