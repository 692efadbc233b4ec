"""The progress bar of a training run, for terminals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sgl_rec.types import Terms

REFRESH_STEPS = 20
"""The loss is read back once in so many steps: reading it waits for the device."""


class ProgressBar:
    """Watches a fit: epoch, step, loss and its terms, the last validation metric, time left at most.

    Args:
        metric: the validation metric that is shown, the one training is chosen by.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.max_epochs = self.num_steps = 1
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[state]}"),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task("", total=None, state="")
        self._value = ""
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

    def on_start(self, *, epoch: int, max_epochs: int, num_steps: int) -> None:
        self.max_epochs, self.num_steps = max_epochs, num_steps
        self.bar.reset(self.task, total=max_epochs * num_steps, completed=(epoch - 1) * num_steps)

    def on_step(self, *, epoch: int, step: int, terms: Terms) -> None:
        if step % REFRESH_STEPS and step != self.num_steps:
            return
        shown = {"loss": terms.total, **terms.values}
        values = " ".join(f"{name} {value.item():.4f}" for name, value in shown.items())
        self.bar.update(
            self.task,
            completed=(epoch - 1) * self.num_steps + step,
            description=f"epoch {epoch}/{self.max_epochs}",
            state=f"{values} {self._value}",
        )

    def on_epoch(self, row: Mapping[str, float]) -> None:
        if self.metric in row:
            self._value = f"valid {self.metric} {row[self.metric]:.4f}"


class _Lines:
    """A text stream whose lines are printed by a rich console, unchanged."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> int:
        self._console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        pass
