"""One cell: trained or gone on with, its looks at the test part counted, stopped when the asker is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.cell import CALLERS_FAULT, INTERRUPTED, Task, run_cell
from sgl_rec.pipeline.bench.journal import Journal
from sgl_rec.pipeline.bench.plan import JOURNAL, Asked, plan


@pytest.fixture
def task(shop: Asked, restored_state: None) -> Task:
    shop.out.mkdir()
    return plan(replace(shop, methods=("lightgcn",), seeds=(0,)), device=torch.device("cpu"))[0].task


def journal() -> dict[str, object]:
    (cell,) = Journal(Path("out") / JOURNAL).cells().values()
    return cell


def test_a_task_comes_back(task: Task) -> None:
    assert Task.load(task.dump()) == task


def test_each_look_at_the_test_part_counts(task: Task) -> None:
    run_cell(task)
    assert journal().items() >= {"attempts": 1, "test_scored": 1, "last": "finished"}.items()
    assert isinstance(journal()["peak_memory"], int)
    run_cell(task)
    assert journal().items() >= {"attempts": 2, "test_scored": 1}.items(), "finished: nothing is left to do"
    (Path(task.out) / "metrics.json").unlink()
    run_cell(task)
    assert journal().items() >= {"attempts": 3, "test_scored": 2}.items(), "the results are written again"


def test_what_train_refuses_is_refused(task: Task) -> None:
    with pytest.raises(UserError, match="did you mean 'lightgcn'"):
        run_cell(replace(task, method="lightgc"))


def spawn(task: Task) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sgl_rec.pipeline.bench.cell", task.dump()],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_process_that_is_refused_says_so_and_ends_with_two(task: Task) -> None:
    process = spawn(replace(task, method="lightgc"))
    assert process.stderr is not None
    assert "ERROR --method: name must be" in process.stderr.read()
    assert process.wait() == CALLERS_FAULT
    process.communicate()


def test_it_stops_with_its_state_saved_when_the_asker_is_gone(task: Task) -> None:
    process = spawn(
        replace(task, settings={**task.settings, "training": {"max_epochs": 10_000, "patience": 9999}})
    )
    assert process.stdin is not None
    log, until = Path(task.out) / "log.txt", time.monotonic() + 60
    while not (log.is_file() and "epoch 2:" in log.read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    process.stdin.close()
    process.stdin = None
    assert process.wait(timeout=60) == INTERRUPTED
    process.communicate()
    assert (Path(task.out) / "checkpoint/search.safetensors").is_file()
    assert not (Path(task.out) / "metrics.json").exists()
