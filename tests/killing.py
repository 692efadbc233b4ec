"""A process of its own that may be killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any


def run_child(work: Callable[..., None], *arguments: Any, kill_after: float | None = None) -> int:
    """Run ``work`` in a process, killed after so many seconds; its exit code (-SIGKILL if killed)."""
    # Not a fork of this process, whose OpenMP threads a fork does not have.
    process = multiprocessing.get_context("forkserver").Process(target=work, args=arguments)
    process.start()
    process.join(kill_after)
    if process.is_alive():
        assert process.pid is not None
        with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(process.pid, signal.SIGKILL)
        process.join()
    assert process.exitcode is not None
    return process.exitcode
