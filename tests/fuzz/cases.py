"""A bad input: the files it needs, the command that meets them, and what must come of it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import click

from sgl_rec.cli.main import cli

FAMILIES = ("files", "options", "configs", "runs")
SMALL = (
    *("--backend", "torch", "--precision", "float32", "--threads", "1", "--max-epochs", "1"),
    *("--set", "encoder.embedding_dim=4", "--set", "training.batch_size=64"),
)
"""Options that cut a training to nothing."""


@dataclass(frozen=True)
class Case:
    """One command on one bad input.

    Args:
        words: the command line, run in the folder of the case.
        places: the message must hold one of these: the file, key, option or id that is wrong.
        stdin: what the command may read from its standard input.
        chance: the input may happen to be valid; a success is then no failure, and counted apart.
        answer: where it succeeds, it must answer as the undamaged run does (a key of ``Base.answers``).
        may_change: files and folders, relative to the case's, that a refused command may write to all the same.
        fault: the name of what is wrong; ``make_case`` fills it in.
    """

    words: tuple[str, ...]
    places: tuple[str, ...]
    stdin: bytes = b""
    chance: bool = False
    answer: str = ""
    may_change: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Base:
    """What all cases may read and none may change: small data, and runs on it.

    Args:
        path: holds ``log`` (prepared data), ``done``, ``half`` and ``other`` (runs; ``half`` was interrupted,
            ``other`` is one on other data and of another width) and ``cache`` (an empty user cache).
        answers: what the commands answer on an undamaged run.
    """

    path: Path
    answers: dict[str, str]

    @property
    def log(self) -> str:
        """The small data set, for a command line."""
        return str(self.path / "log")

    @property
    def done(self) -> str:
        """The finished run, for a command that only reads it."""
        return str(self.path / "done")


Maker = Callable[[Random, Path, Base], Case]
"""Writes what is needed into an empty folder, and says what is run there."""


@dataclass(frozen=True)
class Fault:
    """A kind of bad input.

    Args:
        needs: options of commands (``train --user-column``) without which there is no such fault.
        weight: how often it is drawn, beside the others of its family.
    """

    name: str
    make: Maker
    needs: tuple[str, ...]
    weight: float

    @property
    def possible(self) -> bool:
        return all(has_option(*need.split()) for need in self.needs)


FAULTS: dict[str, list[Fault]] = {family: [] for family in FAMILIES}


def fault(family: str, *needs: str, weight: float = 1.0) -> Callable[[Maker], Maker]:
    """List a function as a kind of bad input; its name is the fault's."""

    def listed(make: Maker) -> Maker:
        FAULTS[family].append(Fault(make.__name__, make, needs, weight))
        return make

    return listed


@functools.cache
def has_option(*words: str) -> bool:
    """Whether ``("train", "--seed")`` or ``("datasets", "split")`` is there.

    Example:
        >>> has_option("train", "--seed"), has_option("train", "--sed"), has_option("datasets", "list")
        (True, False, True)
    """
    command: click.Command = cli
    for word in words:
        if word.startswith("-"):
            return any(word in parameter.opts for parameter in command.params)
        if not isinstance(command, click.Group) or word not in command.commands:
            return False
        command = command.commands[word]
    return True


def make_case(number: int, folder: Path, base: Base) -> Case:
    """The ``number``-th bad input, its files written into ``folder``; the same number gives the same case."""
    family = FAMILIES[number % len(FAMILIES)]
    faults, random = FAULTS[family], Random(number)
    draws = (random.choices(faults, [fault.weight for fault in faults])[0] for _ in itertools.count())
    chosen = next(
        fault for fault in draws if fault.possible
    )  # of those that are there: others keep their numbers
    case = chosen.make(random, folder, base)
    return replace(case, fault=f"{family}: {case.fault or chosen.name}")


def some_word(r: Random) -> str:
    """A word that nothing is called; letters of several scripts may be in it.

    Example:
        >>> some_word(Random(1)) == some_word(Random(1)), some_word(Random(1)) == some_word(Random(2))
        (True, False)
    """
    letters = r.choice(["abcdefghijklmnopqrstuvwxyz", "äöüßéçñø", "абвгдежз", "日本語文字", "a_b-c.d9", "🙂🙃 x"])
    return "q" + "".join(r.choice(letters) for _ in range(r.randint(2, 12)))


def training(random: Random, dataset: str | None, *more: str) -> tuple[str, ...]:
    """A ``train`` that would take no time, now and then a mere ``--dry-run``."""
    source = () if dataset is None else ("--dataset", dataset)
    end = ("--dry-run",) if random.random() < 0.2 else ("--out", "out")
    return ("train", *source, *SMALL, *more, *end)
