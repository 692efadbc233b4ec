"""Processes that are killed: what starts them, and what is seen over many rounds."""

from __future__ import annotations

import collections
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.killing import run_child


def call(words: tuple[str, ...], where: Path, catalogue: Path | None, environment: Mapping[str, str]) -> None:
    """What the entry point does, in a process of its own; its messages go to a file beside.

    Args:
        catalogue: a folder of entries, instead of those that came with the program.
    """
    os.chdir(where)
    os.environ.update(environment)
    with (where.parent / "said.txt").open("a") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    from sgl_rec.cli.main import main
    from sgl_rec.data import catalogue as known

    if catalogue is not None:
        known.shipped_folder = lambda _: catalogue  # type: ignore[assignment]
    main(words)


@dataclass
class Killer:
    """Starts commands in ``where`` and kills them; counts what it did."""

    where: Path
    installed: bool = False
    catalogue: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    kills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, words: Sequence[str], *, after: float | None = None) -> bool:
        """Whether the command came to its end before ``after`` seconds; then it must have done well."""
        begun = time.perf_counter()
        code = self._run_installed(words, after) if self.installed else self._run_as_child(words, after)
        if code == -signal.SIGKILL:
            self.kills += 1
            return False
        if code:
            raise SystemExit(f"sgl-rec {' '.join(words)}: exit code {code}; see {self.where.parent / 'said.txt'}")
        self.seconds[words[words[0] == "datasets"]] = time.perf_counter() - begun
        return True

    def _run_as_child(self, words: Sequence[str], after: float | None) -> int:
        arguments = (tuple(words), self.where, self.catalogue, self.environment)
        return run_child(call, *arguments, kill_after=after)

    def _run_installed(self, words: Sequence[str], after: float | None) -> int:
        command = shutil.which("sgl-rec", path=str(Path(sys.executable).parent))
        start = [command] if command else [sys.executable, "-m", "sgl_rec"]
        process = subprocess.Popen(
            [*start, *words], cwd=self.where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(after)
        process.kill()
        return process.wait()


@dataclass
class Findings:
    """What was seen over all rounds: faults, kills of each command, how far they had come, and what they left."""

    wrong: list[str] = field(default_factory=list)
    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    stages: collections.Counter[str] = field(default_factory=collections.Counter)
    left: int = 0

    def add(self, other: Findings) -> None:
        self.wrong += other.wrong
        self.kills += other.kills
        self.stages += other.stages
        self.left += other.left
