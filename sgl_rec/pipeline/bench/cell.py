"""One cell of a bench, in a process of its own (``python -m sgl_rec.pipeline.bench.cell TASK``).

Its peak memory is its own, and a crash costs one cell. It stops, with its state saved, when the process that
asked for it is gone: that one holds the other end of its standard input.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sgl_rec.errors import UserError
from sgl_rec.pipeline.bench.journal import BEGUN, FINISHED, SCORED, Journal
from sgl_rec.pipeline.memory import peak_memory
from sgl_rec.pipeline.run_folder import RunFolder
from sgl_rec.pipeline.train import SCORING, resume, train

INTERRUPTED, CALLERS_FAULT = 130, 2


@dataclass(frozen=True)
class Task:
    """What a cell is to do: the arguments of ``train``, and the journal that hears of it."""

    name: str
    out: str
    journal: str
    dataset: str
    method: str
    settings: Mapping[str, Any]
    split: str | None = None
    config: str | None = None
    device: str = "auto"
    threads: int | None = None

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Task:
        return cls(**json.loads(text))


def run_cell(task: Task) -> None:
    """Train, or go on with, the run of a cell. Raises: what ``train`` and ``resume`` raise."""
    journal, log, begun = Journal(Path(task.journal)), logging.getLogger("sgl_rec"), time.perf_counter()
    there = RunFolder(Path(task.out)).config_file.is_file()
    journal.add(task.name, BEGUN, {"anew": not there})
    watch = _Scored(journal, task.name)
    log.addHandler(watch)
    try:
        if there:
            resume(task.out, device=None if task.device == "auto" else task.device, threads=task.threads)
        else:
            train(
                task.dataset,
                method=task.method,
                split=task.split,
                out=task.out,
                overwrite=True,  # of what was killed before its config was written; other files are refused
                config=task.config,
                settings=task.settings,
                device=task.device,
                threads=task.threads,
            )
    finally:
        log.removeHandler(watch)
    seconds = round(time.perf_counter() - begun, 3)
    journal.add(task.name, FINISHED, {"peak_memory": peak_memory(), "seconds": seconds})


class _Scored(logging.Handler):
    """Notes in the journal that the test part is being scored."""

    def __init__(self, journal: Journal, cell: str) -> None:
        super().__init__(logging.INFO)
        self.journal, self.cell = journal, cell

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == SCORING:
            self.journal.add(self.cell, SCORED, {"peak_memory": peak_memory()})


def main(words: Sequence[str]) -> int:
    """The process of a cell; its log goes to stderr. Returns: the exit code, as that of ``sgl-rec``."""
    logger, handler = logging.getLogger("sgl_rec"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    threading.Thread(target=_stop_with_the_asker, daemon=True).start()
    try:
        run_cell(Task.load(words[0]))
    except KeyboardInterrupt:
        return INTERRUPTED
    except UserError as error:
        logger.error("%s", error)
        return CALLERS_FAULT
    return 0


def _stop_with_the_asker() -> None:
    # Not sys.stdin, whose lock a thread must not hold when the interpreter ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
