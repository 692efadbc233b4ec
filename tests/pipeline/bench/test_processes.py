"""Cells in processes of their own: what they say, how they fail, how they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import torch

from sgl_rec.files import lock
from sgl_rec.pipeline.bench import processes
from sgl_rec.pipeline.bench.journal import Journal
from sgl_rec.pipeline.bench.plan import JOURNAL, Asked, Cell, plan
from sgl_rec.pipeline.bench.processes import failure, in_a_process, run_cells, wait_until_free


@pytest.fixture
def cell(shop: Asked, restored_state: None) -> Cell:
    shop.out.mkdir()
    return plan(replace(shop, methods=("lightgcn",), seeds=(0,)), device=torch.device("cpu"))[0]


def saying(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the process of a cell run ``code`` instead."""
    real = subprocess.Popen

    def popen(command: list[str], **options: object) -> object:
        return real([sys.executable, "-c", code], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(processes.subprocess, "Popen", popen)


def test_a_run_that_ends_well(cell: Cell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="sgl_rec")
    journal = Journal(cell.folder.path.parents[2] / JOURNAL)
    assert run_cells([cell], journal) == []
    assert cell.state() == "done"
    assert "[1/1] shop/lightgcn/seed-0: epoch 1 of 1, valid ndcg@20 0." in caplog.text
    assert run_cells([cell], journal) == []
    assert "done before" in caplog.text


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("import sys; print('ERROR a: b must be c', file=sys.stderr); sys.exit(2)", "a: b must be c"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "its process was killed by signal 9"),
        ("raise SystemExit(1)", "it said nothing"),
    ],
)
def test_why_a_process_failed_is_one_line(
    cell: Cell, monkeypatch: pytest.MonkeyPatch, code: str, fault: str
) -> None:
    saying(monkeypatch, code)
    journal = Journal(cell.folder.path.parents[2] / JOURNAL)
    assert run_cells([cell], journal) == [f"shop/lightgcn/seed-0: {fault}"]
    assert journal.cells()[cell.name]["error"] == fault
    assert "1 of 1 cells failed, the first: shop/lightgcn/seed-0" in str(
        failure([f"{cell.name}: {fault}"], [cell])
    )


def test_warnings_are_passed_on_and_nothing_else(
    cell: Cell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="sgl_rec")
    saying(monkeypatch, "import sys; print('WARNING k is large\\nINFO epoch 1', file=sys.stderr)")
    assert in_a_process(cell.task) is None
    assert [record.message for record in caplog.records] == ["shop/lightgcn/seed-0: k is large"]


def test_ctrl_c_stops_the_cell_which_may_save(cell: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path('saved').touch(), sys.exit(130)))\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(60)"
    )
    saying(monkeypatch, code)
    # Whoever starts the tests in the background may have had this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            in_a_process(cell.task)
    finally:
        signal.signal(signal.SIGINT, before)
    assert os.path.exists("saved")  # noqa: PTH110


def test_a_process_that_still_writes_is_waited_for(cell: Cell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="sgl_rec")
    cell.folder.path.mkdir(parents=True)
    held = threading.Event()

    def hold() -> None:
        with lock(cell.folder.path / "lock", who="another"):
            held.set()
            time.sleep(0.7)

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    begun = time.monotonic()
    wait_until_free(cell)
    other.join()
    assert time.monotonic() - begun > 0.5
    assert caplog.text.count("another process is writing here") == 1
