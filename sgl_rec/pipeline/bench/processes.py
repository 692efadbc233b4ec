"""Cells into finished runs, one after the other, each in a process of its own."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence

from sgl_rec.errors import UserError
from sgl_rec.files import BusyError, lock
from sgl_rec.pipeline.bench.cell import Task
from sgl_rec.pipeline.bench.journal import FAILED, Journal
from sgl_rec.pipeline.bench.plan import Cell

log = logging.getLogger("sgl_rec")

REMEMBERED = 30
"""Last lines of a process that are shown when it crashes."""
POLL = 0.2
"""Seconds between two looks at a folder that another process is still writing to."""


def run_cells(cells: Sequence[Cell], journal: Journal) -> list[str]:
    """Finish every cell that is not done.

    Returns: one line for each that failed; the others went on. Raises: KeyboardInterrupt when asked to stop, the
    state of the cell saved.
    """
    failed = []
    for number, cell in enumerate(cells, start=1):
        wait_until_free(cell)
        state = cell.state()
        said = f"[{number}/{len(cells)}] {cell.name}"
        if state == "done":
            log.info("%s: done before", said)
            continue
        log.info("%s: %s; its log: %s", said, state.replace("to ", "start to "), cell.folder.log_file)
        begun = time.perf_counter()
        fault = in_a_process(cell.task)
        if fault is None:
            log.info("%s: %s, %.0f s", said, _outcome(cell), time.perf_counter() - begun)
        else:
            journal.add(cell.name, FAILED, {"error": fault})
            log.error("%s: %s", said, fault)
            failed.append(f"{cell.name}: {fault}")
    return failed


def wait_until_free(cell: Cell) -> None:
    """Wait for a process of an earlier bench that was killed: its last step ends, its state is saved."""
    file, said = cell.folder.path / "lock", False
    while file.exists():
        try:
            with lock(file, who=cell.name):
                return
        except BusyError as error:
            if not said:
                log.info("%s; waiting", str(error).partition(";")[0])
            said = True
            time.sleep(POLL)


def in_a_process(task: Task) -> str | None:
    """Run a cell in a process of its own. Returns: None, or why it failed, in one line."""
    last: deque[str] = deque(maxlen=REMEMBERED)
    child = subprocess.Popen(
        [sys.executable, "-m", "sgl_rec.pipeline.bench.cell", task.dump()],
        stdin=subprocess.PIPE,  # held open: when it closes, the one who asked is gone
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C comes here alone, and is passed on once
    )
    assert child.stderr is not None
    try:
        for line in child.stderr:
            last.append(line.rstrip("\n"))
            warned = line.startswith("WARNING ")
            log.log(logging.WARNING if warned else logging.DEBUG, "%s: %s", task.name, _words(last[-1]))
        code = child.wait()
    except KeyboardInterrupt:
        log.warning("%s: stopping after this step; once more stops at once, without saving", task.name)
        child.terminate()
        child.communicate()
        raise
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    if code == 0:
        return None
    words = next((_words(line) for line in reversed(last) if line.strip()), "it said nothing")
    if code < 0:
        return f"its process was killed by signal {-code}"
    if "Traceback (most recent call last):" in last:
        log.debug("%s", "\n".join(last))
    return words


def _words(line: str) -> str:
    """A line of the child's log without its level."""
    level, _, words = line.partition(" ")
    return words if level in ("INFO", "WARNING", "ERROR") else line


def _outcome(cell: Cell) -> str:
    metrics = cell.folder.read_json(cell.folder.metrics_file)
    metric = cell.config.training.metric
    chosen = f"epoch {metrics['epoch']} of {metrics['epochs_run']}"
    return f"{chosen}, valid {metric} {metrics['valid'][metric]:.4f}" if metric in metrics["valid"] else chosen


def failure(failed: Sequence[str], cells: Sequence[Cell]) -> UserError:
    """What is said when cells are missing."""
    first = f"the first: {failed[0]}"
    return UserError(
        f"bench: {len(failed)} of {len(cells)} cells failed, {first}; mend it, and the same command goes on"
    )
