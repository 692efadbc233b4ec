"""Stopping between two steps: a signal asks, the loop saves, and nothing is torn."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from types import FrameType

log = logging.getLogger("sgl_rec")


class Interrupted(KeyboardInterrupt):
    """Training was asked to stop and has saved its state; ``--resume`` goes on from there."""


class StopRequest:
    """Whether somebody has asked the loop to stop."""

    def __init__(self) -> None:
        self.requested = False


@contextlib.contextmanager
def catch_signals() -> Iterator[StopRequest]:
    """Turn the first SIGINT or SIGTERM into a request; a second one interrupts at once.

    Signals reach only the main thread; elsewhere the request is simply never made.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if request.requested:
            raise KeyboardInterrupt
        request.requested = True
        log.warning("stopping after this step; once more stops at once, without saving")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
