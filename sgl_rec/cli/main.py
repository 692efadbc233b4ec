"""The command ``sgl-rec``: parse, call the pipeline, print. Nothing here imports torch before it is needed."""

from __future__ import annotations

import errno
import os
import sys
import traceback
import unicodedata
from collections.abc import Sequence

import click

from sgl_rec import __version__
from sgl_rec.cli.bench import bench
from sgl_rec.cli.datasets import datasets
from sgl_rec.cli.doctor import doctor
from sgl_rec.cli.embed import embed
from sgl_rec.cli.evaluate import evaluate
from sgl_rec.cli.methods import methods
from sgl_rec.cli.pretrain import pretrain
from sgl_rec.cli.probe import probe
from sgl_rec.cli.recommend import recommend
from sgl_rec.cli.report import report
from sgl_rec.cli.similar import similar
from sgl_rec.cli.train import train
from sgl_rec.cli.tune import tune

OK, OUR_FAULT, CALLERS_FAULT, INTERRUPTED = 0, 1, 2, 130
LONGEST, CUT = 800, 350
"""Letters that a line of a message may have, and those that are shown of each end of a longer one."""
NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
"""How torch says it, on CUDA and on the CPU."""
NO_PLACE = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What a full disk, a limit or a broken disk says; Windows has no EDQUOT."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: sgl-rec train --dataset demo",
)
@click.version_option(__version__, prog_name="sgl-rec")
def cli() -> None:
    """An interactions file goes in, a measured recommender and its top-K lists come out.

    Exit codes: 0 done, 1 a fault of the program, 2 a wrong file, id, key or option, 130 interrupted.
    """


COMMANDS = (
    train, evaluate, recommend, similar, report, tune, bench, pretrain, embed, probe, datasets, methods, doctor,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code; a fault is one line, with ``--debug`` the traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if "_SGL_REC_COMPLETE" in os.environ:
        cli.main(words, prog_name="sgl-rec")  # the shell asks for completions
    try:
        # Not cli.main(): it has its own words for Ctrl-C, and its own exit code for a closed pipe.
        with cli.make_context("sgl-rec", words) as context:
            cli.invoke(context)
        sys.stdout.flush()
        sys.exit(OK)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.Abort:
        _fail("interrupted", INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(CALLERS_FAULT)
    except click.ClickException as error:
        _fail(f"Error: {_in_one_line(error)}", CALLERS_FAULT)
    except KeyboardInterrupt as error:
        _fail(str(error) or "interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader (``| head``) has gone; nothing more is wanted. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(OK)
    except Exception as error:  # the last place where a fault can be put in words
        _explain(error, debug="--debug" in words)


def _in_one_line(error: click.ClickException) -> str:
    """Its words, and where to look; click's own form takes four lines."""
    words = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{words}; see `{context.command_path} --help`" if context else words


def _explain(error: Exception, *, debug: bool) -> None:
    from sgl_rec.errors import UserError

    if debug:
        traceback.print_exception(error)
    if isinstance(error, UserError):
        _fail(f"Error: {error}", CALLERS_FAULT)
    if isinstance(error, OSError) and error.errno in NO_PLACE:
        _fail(f"Error: the output cannot be written: {error.strerror}; free some space", CALLERS_FAULT)
    if isinstance(error, OSError) and error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        _fail(f"Error: {name}: cannot be used ({error.strerror}); check the path and its disk", CALLERS_FAULT)
    if isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY):
        advice = "lower training.batch_size, the width of the encoder, or --memory-budget where there is one"
        _fail(f"Error: out of memory ({error}); {advice}", CALLERS_FAULT)
    _fail(
        f"Internal error: {type(error).__name__}: {error}; run again with --debug and report what it prints",
        OUR_FAULT,
    )


def _fail(message: str, code: int) -> None:
    click.echo(_plain(message), err=True)
    sys.exit(code)


def _plain(message: str) -> str:
    """A message as a terminal may show it: a value in it may be megabytes long, or move the cursor."""
    lines = [line if len(line) <= LONGEST else f"{line[:CUT]} ... {line[-CUT:]}" for line in message.split("\n")]
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter) == "Cc" and letter != "\n" else letter
        for letter in "\n".join(lines)
    )
