"""Options and manners that the commands share: how much is said, and where."""

from __future__ import annotations

import functools
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

run_argument = click.argument("run", type=click.Path(file_okay=False))


def common(command: Command) -> Command:
    """Add ``--quiet``, ``--verbose`` and ``--debug``, and set up logging to stderr; no value may be empty."""

    @click.option("--quiet", is_flag=True, help="Say nothing but errors.")
    @click.option("--verbose", is_flag=True, help="Say more.")
    @click.option("--debug", is_flag=True, help="Say all; show the traceback of an error.")
    @functools.wraps(command)
    def wrapped(*arguments: Any, quiet: bool, verbose: bool, debug: bool, **values: Any) -> Any:
        _refuse_empty(click.get_current_context())
        level = logging.ERROR if quiet else logging.DEBUG if verbose or debug else logging.INFO
        _log_to_stderr(level)
        return command(*arguments, **values)

    return wrapped  # type: ignore[return-value]


def _refuse_empty(context: click.Context) -> None:
    """An empty value is a variable of a script that was never set: it must not pass for an option left out."""
    for parameter in context.command.params:
        if parameter.name is not None and context.params.get(parameter.name) == "":
            raise click.BadParameter("must not be empty", ctx=context, param=parameter)


def is_given(name: str) -> bool:
    """Whether this parameter of the running command was said, and is not its default."""
    source = click.get_current_context().get_parameter_source(name)
    assert source is not None, name
    return source is not click.core.ParameterSource.DEFAULT


def is_quiet() -> bool:
    """Whether the user asked for silence."""
    return logging.getLogger("sgl_rec").getEffectiveLevel() > logging.WARNING


def as_text(argument: str) -> str:
    """What the user typed, also where the locale is not UTF-8 and Python has put bytes into surrogates."""
    return os.fsencode(argument).decode("utf-8", "replace")


def memory_budget(command: Command) -> Command:
    """Add ``--memory-budget``, parsed to bytes."""

    def parse(context: click.Context, parameter: click.Parameter, value: str) -> int:
        from sgl_rec.ranking import parse_memory

        return parse_memory(value)

    return click.option(
        "--memory-budget",
        default="512MB",
        show_default=True,
        callback=parse,
        help="Memory for the blocks of scores.",
    )(command)


def on_threads(command: Command) -> Command:
    """Add ``--threads``, and keep to it."""

    @click.option("--threads", type=click.IntRange(min=1), help="CPU threads  [default: one for each core].")
    @functools.wraps(command)
    def wrapped(*arguments: Any, threads: int | None, **values: Any) -> Any:
        from sgl_rec.pipeline.device import set_threads

        set_threads(threads)
        return command(*arguments, **values)

    return wrapped  # type: ignore[return-value]


def data_settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """``data.KEY=VALUE`` of every text, by key. Raises: UserError for another section."""
    from sgl_rec.errors import must_be
    from sgl_rec.settings import merge, parse_setting

    given: dict[str, Any] = {"data": {}}
    for text in texts:
        given = merge(given, parse_setting(text))
    if strangers := given.keys() - {"data"}:
        raise must_be("--set", "section", "data", min(strangers), "settings of training stand in the run")
    found: dict[str, Any] = given["data"]
    return found


def plugins(command: Command) -> Command:
    """Add ``--plugin``, and load what it names before the command."""

    @click.option(
        "--plugin", "names", multiple=True, metavar="MODULE", help="A module or .py file with parts; repeatable."
    )
    @functools.wraps(command)
    def wrapped(*arguments: Any, names: tuple[str, ...], **values: Any) -> Any:
        if names:
            from sgl_rec.pipeline.plugins import load_plugin

            for name in names:
                load_plugin(name)
        return command(*arguments, **values)

    return wrapped  # type: ignore[return-value]


def csv_output() -> TextIO:
    """Standard output, encoded as the CSV files are, whatever the terminal's encoding: ids are anybody's."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    return sys.stdout


def _log_to_stderr(level: int) -> None:
    logger = logging.getLogger("sgl_rec")
    for handler in [handler for handler in logger.handlers if handler.get_name() == "sgl-rec stderr"]:
        logger.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("sgl-rec stderr")
    handler.setLevel(level)
    handler.setFormatter(_Plain())
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


class _Plain(logging.Formatter):
    """The message alone; a warning says that it is one."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"{record.levelname.capitalize()}: {text}" if record.levelno >= logging.WARNING else text
