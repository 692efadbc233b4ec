"""The progress bar of a training run, for terminals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

REFRESH_STEPS = 20
"""The loss is read back once in so many steps: reading it waits for the device."""


class ProgressBar:
    """Watches a fit: epoch, step, loss, best validation metric, time left in the epoch."""

    def __init__(self, max_epochs: int) -> None:
        self.max_epochs = max_epochs
        console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
            console=console,
        )
        self.task = self.bar.add_task("epoch 1", total=None, state="")
        self._metrics = ""
        self._handlers: list[tuple[logging.StreamHandler, object]] = []  # type: ignore[type-arg]

    def __enter__(self) -> ProgressBar:
        self.bar.start()
        # Log lines go above the bar, through its console.
        for handler in logging.getLogger("sgl_rec").handlers:
            if type(handler) is logging.StreamHandler:
                self._handlers.append((handler, handler.stream))
                handler.setStream(_Lines(self.bar.console))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
        for handler, stream in self._handlers:
            handler.setStream(stream)

    def on_step(self, *, epoch: int, step: int, num_steps: int, loss: Tensor) -> None:
        if step == 1:
            self.bar.reset(self.task, total=num_steps)
        if step % REFRESH_STEPS and step != num_steps:
            return
        self.bar.update(
            self.task,
            completed=step,
            description=f"epoch {epoch}/{self.max_epochs}",
            state=f"loss {loss.item():.4f} {self._metrics}",
        )

    def on_epoch(self, row: Mapping[str, float]) -> None:
        shown = [name for name in row if name.startswith("ndcg@")][-1:]
        self._metrics = " ".join(f"valid {name} {row[name]:.4f}" for name in shown)


class _Lines:
    """A text stream whose lines are printed by a rich console, unchanged."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        self._console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        pass
