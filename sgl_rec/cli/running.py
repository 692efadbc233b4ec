"""What the commands that train share: a progress bar, what goes with ``--resume``, and a word after Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from sgl_rec.cli.options import is_given, is_quiet

if TYPE_CHECKING:
    from sgl_rec.pipeline.observers import Observer


def refuse_with_resume(names: Sequence[str], *, called: Mapping[str, str]) -> None:
    """A resume goes on with the settings of the run; only where it runs and what it says may differ.

    Args:
        names: parameters that would change the result; ``called`` has those whose option is called otherwise.

    Raises: a usage error naming the first that was given.
    """
    for name in names:
        if is_given(name):
            option = called.get(name, name).replace("_", "-")
            raise click.UsageError(f"--{option} cannot be given with --resume: the run's own settings hold.")


@contextlib.contextmanager
def progress(metric: str) -> Iterator[Observer | None]:
    """A progress bar where stderr is a terminal; elsewhere the log's line an epoch is enough."""
    if is_quiet() or not sys.stderr.isatty():
        yield None
        return
    from sgl_rec.cli.progress import ProgressBar

    with ProgressBar(metric) as bar:
        yield bar


@contextlib.contextmanager
def advice(resume: str) -> Iterator[None]:
    """What to do after an interrupt: ``resume`` is the command that goes on."""
    try:
        yield
    except KeyboardInterrupt as error:
        saved = type(error).__name__ == "Interrupted"
        state = "the state is saved" if saved else "the last checkpoint stands"
        raise KeyboardInterrupt(f"Interrupted; {state}. Go on with: {resume}") from error
