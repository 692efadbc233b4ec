"""The long run, by hand: ``python tests/fuzz/run_fuzz.py --count 10000``.

Every number is a case: the same number gives the same input. Inputs that have been met are made again by other
numbers and not counted. ``--only N`` repeats one and shows all of it,
``--keep FOLDER`` leaves its files there. ``--apart M`` runs every M-th case by the installed command as well,
and holds exit code and message against what was seen in this process.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import itertools
import multiprocessing
import multiprocessing.connection
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

SECONDS = 30.0
"""What a case may take; a process that does not come back a little later is killed."""


MEMORY = 3 * 10**9
"""Bytes of address space a case may take."""


def make(path: Path) -> None:
    """Work of a process of its own: the base of all cases."""
    from tests.fuzz.workspace import make_base

    make_base(path)


def work(pipe: Connection, base_path: Path, folder: Path, seconds: float) -> None:
    """Work of a process of its own: cases by their numbers, until None comes."""
    from tests.fuzz.harness import enclose, forget, import_all, judge, limit_memory
    from tests.fuzz.workspace import load_base

    base = load_base(base_path)
    enclose(base)
    import_all()
    limit_memory(MEMORY)
    while (number := pipe.recv()) is not None:
        at = folder / str(number)
        try:
            pipe.send(judge(number, at, base, seconds=seconds))
        except Exception as error:  # a fault of the harness: as bad as one of the program
            pipe.send(f"{type(error).__name__}: {error}")
        forget(at)


class Worker:
    """A process that judges one case after the other, and can be replaced."""

    def __init__(self, base: Path, folder: Path, seconds: float) -> None:
        self._arguments = (base, folder, seconds)
        self._begin()

    def _begin(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, *self._arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.number: int | None = None
        self.since = time.monotonic()

    def give(self, number: int) -> None:
        self.number, self.since = number, time.monotonic()
        self.pipe.send(number)

    def replace(self) -> str:
        """End the process, begin another; in words what became of it."""
        self._process.join(0.5)
        code = self._process.exitcode
        self._process.kill()
        self._process.join()
        self._begin()
        return "hung: killed" if code is None else f"the process died with {code}"

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self._process.join(2)
        self._process.kill()


def verdicts(numbers: Iterable[int], base: Path, folder: Path, *, workers: int) -> Iterator[tuple[int, Any]]:
    """(number, verdict) of every case as they come; a text in place of a verdict where there is none."""
    crew = [Worker(base, folder, SECONDS) for _ in range(workers)]
    try:
        yield from _by(crew, iter(numbers))
    finally:
        for worker in crew:
            worker.end()


def _by(crew: Sequence[Worker], waiting: Iterator[int]) -> Iterator[tuple[int, Any]]:
    while True:
        for worker in crew:
            if worker.number is None and (following := next(waiting, None)) is not None:
                worker.give(following)
        if all(worker.number is None for worker in crew):
            return
        ready = multiprocessing.connection.wait(
            [worker.pipe for worker in crew if worker.number is not None], 1.0
        )
        for worker in crew:
            number = worker.number
            late = number is not None and time.monotonic() - worker.since > 2 * SECONDS + 30
            if number is None or (worker.pipe not in ready and not late):
                continue
            try:
                found = worker.pipe.recv() if worker.pipe in ready else worker.replace()
            except EOFError:
                found = worker.replace()
            worker.number = None
            yield number, found


def apart(number: int, base_path: Path, folder: Path, seen: Any) -> str:
    """What differs where the installed command meets the same case; "" where nothing does."""
    from tests.fuzz.faults import make_case
    from tests.fuzz.harness import enclose, forget, run_apart
    from tests.fuzz.workspace import load_base

    base = load_base(base_path)
    enclose(base)
    at = folder / str(number)
    at.mkdir()
    case = make_case(number, at, base)
    command = shutil.which("sgl-rec", path=str(Path(sys.executable).parent))
    outcome = run_apart(
        [command] if command else [sys.executable, "-m", "sgl_rec"], case.words, stdin=case.stdin, where=at
    )
    forget(at)
    if outcome.code != seen.outcome.code:
        return f"exit code {outcome.code} apart, {seen.outcome.code} here: {outcome.err[-300:]!r}"
    same = outcome.message == seen.outcome.message
    return "" if same else f"{outcome.message[:300]!r} apart, {seen.outcome.message[:300]!r} here"


def show(number: int, found: Any) -> None:
    """One case in full."""
    if isinstance(found, str):
        print(f"--- case {number}: {found}")
        return
    words = " ".join(
        repr(word) if not word or set(word) & set(" \n'\"") else word[:200] for word in found.case.words
    )
    print(f"--- case {number}, {found.case.fault}: {'; '.join(found.wrong) or 'as it must be'}")
    print(f"    sgl-rec {words}")
    print(f"    exit code {found.outcome.code}, {found.seconds:.2f} s, one of {found.case.places}")
    for line in found.outcome.err.splitlines()[-8:]:
        print(f"    | {line[:300]}")


def report(found: dict[int, Any]) -> int:
    """Print the counts, and every class of failure with its first case; how many failed."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    classes: dict[tuple[str, str], list[int]] = collections.defaultdict(list)
    for number, verdict in sorted(found.items()):
        if isinstance(verdict, str):
            counts["(no verdict)"]["failed"] += 1
            classes["(no verdict)", verdict.split(":")[0]].append(number)
            continue
        state = "failed" if verdict.wrong else "refused" if verdict.outcome.code else "valid by chance"
        counts[verdict.case.fault.partition(":")[0]][state] += 1
        for wrong in verdict.wrong[:1]:
            classes[verdict.case.fault, wrong.split(",")[0]].append(number)
    for numbers in classes.values():
        show(numbers[0], found[numbers[0]])
        if len(numbers) > 1:
            print(f"    and {len(numbers) - 1} more: {', '.join(map(str, numbers[1:9]))}")
    print("\n| family | refused, as it must be | valid by chance | failed |\n|---|---|---|---|")
    total: collections.Counter[str] = collections.Counter()
    for family, count in sorted(counts.items()):
        total += count
        print(f"| {family} | {count['refused']} | {count['valid by chance']} | {count['failed']} |")
    print(f"| all | {total['refused']} | {total['valid by chance']} | {total['failed']} |")
    print(f"{len(found)} inputs, {len(classes)} classes of failure")
    return total["failed"]


def judged(arguments: argparse.Namespace, base: Path, folder: Path) -> dict[int, Any]:
    """The verdicts by number: of those asked for, or of as many inputs that differ from each other."""
    if arguments.only:
        numbers = [int(part) for part in arguments.only.split(",")]
        return dict(verdicts(numbers, base, folder, workers=arguments.workers))
    found: dict[int, Any] = {}
    seen: set[str] = set()
    tried = 0
    running = verdicts(itertools.count(arguments.start), base, folder, workers=arguments.workers)
    with contextlib.closing(running):
        while len(found) < arguments.count:
            number, verdict = next(running)
            tried += 1
            digest = str(number) if isinstance(verdict, str) else verdict.digest
            if digest not in seen:
                seen.add(digest)
                found[number] = verdict
    print(f"cases from number {arguments.start}: {tried} made, {tried - len(found)} that had been seen left out")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="inputs that differ from each other")
    parser.add_argument("--start", type=int, default=0, help="the first case's number")
    parser.add_argument("--only", help="these numbers alone, as 17,23")
    parser.add_argument("--keep", type=Path, help="with --only: leave the files of the cases in this folder")
    parser.add_argument("--base", type=Path, help="a folder for the small runs, used again where it is there")
    parser.add_argument("--apart", type=int, default=0, help="every so many cases also by the installed command")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sgl-fuzz-") as name:
        folder, base = Path(name) / "cases", arguments.base or Path(name) / "base"
        folder.mkdir()
        begun = time.perf_counter()
        if not (base / "answers.json").is_file():
            process = multiprocessing.get_context("spawn").Process(target=make, args=(base,))
            process.start()
            process.join()
            if process.exitcode:
                sys.exit("the small runs could not be made")
        found = judged(arguments, base, folder)
        if arguments.apart:
            for number in sorted(found)[:: arguments.apart]:
                verdict = found[number]
                if not isinstance(verdict, str) and (difference := apart(number, base, folder, verdict)):
                    found[number] = dataclasses.replace(verdict, wrong=(*verdict.wrong, f"differs: {difference}"))
            print(f"{len(sorted(found)[:: arguments.apart])} cases also by the installed command")
        if arguments.only:
            for number, verdict in found.items():
                show(number, verdict)
        if arguments.keep:
            _keep(arguments.keep, list(found), base)
        failed = report(found)
        print(f"{time.perf_counter() - begun:.0f} s, {arguments.workers} processes")
    sys.exit(1 if failed else 0)


def _keep(folder: Path, numbers: list[int], base: Path) -> None:
    from tests.fuzz.faults import make_case
    from tests.fuzz.workspace import load_base

    for number in numbers:
        at = folder / str(number)
        at.mkdir(parents=True)
        make_case(number, at, load_base(base))


if __name__ == "__main__":
    main()
