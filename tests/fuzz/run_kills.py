"""kill -9 at random moments over train and recommend, by hand: ``python tests/fuzz/run_kills.py --count 100``.

A round trains, is killed, goes on, is killed again now and then, and goes on to the end; then it writes lists
over old ones, is killed, and writes them again. After every kill each file of the run folder must be whole and
the lists the old or the new ones; at the end model, figures, history and lists must have the bits of a round
without a kill. Most processes are forked from one that has imported everything, and call what the command
``sgl-rec`` calls; every ``--apart``-th round starts the installed command itself.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

KERNELS = ("propagate", "contrast", "thin", "sample", "top_k")
PRELOAD = ["sgl_rec.pipeline.train", *(f"sgl_rec.kernels.{name}_cpu" for name in KERNELS)]
SMALL = ("--max-epochs", "10", "--refit", "--threads", "1", "--set", "encoder.embedding_dim=8")
TRAIN = ("train", "--dataset", "log.csv", "--out", "run", *SMALL, "--set", "training.batch_size=512")
RESUME = ("train", "--resume", "run", "--threads", "1")
RECOMMEND = ("recommend", "run", "--threads", "1", "--output")
LONG_LISTS = "60"


def call(words: tuple[str, ...], where: Path) -> None:
    """What the entry point does, in a process of its own; its messages go to a file beside."""
    os.chdir(where)
    with (where.parent / "said.txt").open("a") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    from sgl_rec.cli.main import main

    main(words)


@dataclass
class Killer:
    """Starts commands in ``where`` and kills them; counts what it did."""

    where: Path
    installed: bool = False
    kills: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, words: Sequence[str], *, after: float | None = None) -> bool:
        """Whether the command came to its end before ``after`` seconds; then it must have done well."""
        begun = time.perf_counter()
        code = self._run_installed(words, after) if self.installed else self._run_forked(words, after)
        if code == -signal.SIGKILL:
            self.kills += 1
            return False
        if code:
            raise SystemExit(f"sgl-rec {' '.join(words)}: exit code {code}; see {self.where.parent / 'said.txt'}")
        self.seconds[words[0]] = time.perf_counter() - begun
        return True

    def _run_forked(self, words: Sequence[str], after: float | None) -> int:
        context = multiprocessing.get_context("forkserver")
        process = context.Process(target=call, args=(tuple(words), self.where))
        process.start()
        process.join(after)
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        assert process.exitcode is not None
        return process.exitcode

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


def write_log(path: Path) -> None:
    """Two hundred users with a taste of their own, eighty items."""
    import numpy as np

    generator = np.random.default_rng(0)
    taste = generator.random((200, 4)) @ generator.random((4, 80))
    pairs = zip(*np.nonzero(taste > np.quantile(taste, 0.75)), strict=True)
    path.write_text("user_id,item_id\n" + "".join(f"{user:04d},{item}\n" for user, item in pairs))


def torn_files(run: Path) -> Iterator[str]:
    """Files of a run folder that are there and not whole; what has a hidden name is nobody's yet."""
    import pyarrow.parquet as pq

    from sgl_rec.training.checkpoint import Checkpoint

    read = {
        ".toml": lambda path: tomllib.loads(path.read_text()),
        ".json": lambda path: json.loads(path.read_text()),
        ".parquet": lambda path: pq.ParquetFile(path, page_checksum_verification=True).read(),
        ".safetensors": Checkpoint.load,
    }
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.suffix in read and not path.name.startswith("."):
            try:
                read[path.suffix](path)
            except Exception as error:  # whatever it is, the file is torn
                yield f"{path.name}: {type(error).__name__}: {error}"


def outcome(where: Path) -> dict[str, Any]:
    """Everything that must have the same bits: model, figures and history without the clock, the lists."""
    import pandas as pd

    run = where / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    history = pd.read_parquet(run / "history.parquet").drop(columns=["seconds", "seconds_validation"])
    return {
        "model": hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest(),
        "metrics": json.dumps({key: value for key, value in metrics.items() if key != "seconds"}, sort_keys=True),
        "history": history.to_csv(float_format="%.17g"),
        **{name: (where / name).read_bytes() for name in ("recs.csv", "recs.parquet")},
    }


def begun(where: Path) -> bool:
    """Whether a training got as far as a run that can be resumed."""
    return (where / "run" / "config.toml").is_file()


@dataclass
class Findings:
    """What was seen over all rounds."""

    wrong: list[str] = field(default_factory=list)
    train_kills: int = 0
    recommend_kills: int = 0
    stages: collections.Counter[str] = field(default_factory=collections.Counter)
    left: int = 0

    def add(self, other: Findings) -> None:
        self.wrong += other.wrong
        self.train_kills += other.train_kills
        self.recommend_kills += other.recommend_kills
        self.stages += other.stages
        self.left += other.left


def one_round(
    killer: Killer, random: Random, calm: dict[str, Any], old: Path, lengths: dict[str, float], method: str
) -> Findings:
    """Kill a training and a writing of lists, let both end, and compare."""
    found, where = Findings(), killer.where
    train = (*TRAIN, "--method", method)
    name = random.choice(["recs.csv", "recs.parquet"])
    after: float | None = random.uniform(0, lengths["train"])
    while not killer.run(RESUME if begun(where) else (*train, "--overwrite"), after=after):
        found.stages[_stage(where)] += 1
        found.wrong += [f"torn after a kill: {torn}" for torn in torn_files(where / "run")]
        found.left += sum(path.name.startswith(".") for path in (where / "run").rglob("*"))
        after = random.uniform(0, lengths["train"] / 2) if random.random() < 0.4 else None
    found.train_kills, killer.kills = killer.kills, 0
    shutil.copy(old / name, where / name)
    before = {(old / name).read_bytes(), calm[name]}
    if not killer.run((*RECOMMEND, name, "--k", LONG_LISTS), after=random.uniform(0, lengths["recommend"])):
        found.wrong += [] if (where / name).read_bytes() in before else [f"{name} is neither old nor new"]
    found.recommend_kills, killer.kills = killer.kills, 0
    for name in ("recs.csv", "recs.parquet"):
        killer.run((*RECOMMEND, name, "--k", LONG_LISTS))
    after_all = outcome(where)
    found.wrong += [f"other bits: {key}" for key in calm if after_all[key] != calm[key]]
    return found


def _stage(where: Path) -> str:
    """How far a training came before it was killed."""
    run = where / "run"
    done = ["metrics.json", "model.safetensors", "checkpoint/refit.safetensors", "checkpoint/search.safetensors"]
    return next((name for name in [*done, "config.toml", "ids.parquet"] if (run / name).is_file()), "nothing")


def calm_round(where: Path, method: str, *, installed: bool) -> tuple[dict[str, Any], dict[str, float]]:
    """The outcome without a kill, and how long the commands take: the second time, when all is in memory."""
    killer = Killer(where, installed=installed)
    for _ in range(2):
        killer.run((*TRAIN, "--method", method, "--overwrite"))
        for name in ("recs.csv", "recs.parquet"):
            killer.run((*RECOMMEND, name, "--k", LONG_LISTS))
    return outcome(where), killer.seconds


def fresh(path: Path) -> Path:
    """An empty folder with the data in it."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    write_log(path / "log.csv")
    return path


class Rounds:
    """The undisturbed rounds of some methods, and as many disturbed ones as it takes."""

    def __init__(self, place: Path, methods: Sequence[str], *, seed: int, apart: int) -> None:
        self.place, self.methods, self.seed, self.apart = place, methods, seed, apart
        self.calm: dict[str, dict[str, Any]] = {}
        self.lengths: dict[tuple[str, bool], dict[str, float]] = {}
        for method in methods:
            for installed in (True, False):
                where = fresh(place / f"calm-{method}-{installed}")
                # What the forked and the installed command make is held against one and the same outcome.
                self.calm[method], self.lengths[method, installed] = calm_round(
                    where, method, installed=installed
                )
        self.old = fresh(place / "old")
        for suffix in ("csv", "parquet"):
            (self.old / f"recs.{suffix}").write_text("the lists of yesterday\n")

    def __call__(self, number: int) -> Findings:
        method, installed = self.methods[number % len(self.methods)], number % self.apart == self.apart - 1
        killer = Killer(fresh(self.place / "now" / "work"), installed=installed)
        random, lengths = Random(f"{self.seed} {number}"), self.lengths[method, installed]
        found = one_round(killer, random, self.calm[method], self.old, lengths, method)
        for wrong in found.wrong:
            print(f"round {number} ({method}, --seed {self.seed}): {wrong}")
        return found

    def report(self, total: Findings, number: int) -> None:
        """What was seen, for the results."""
        print(f"{total.train_kills} kills of train, {total.recommend_kills} of recommend in {number} rounds")
        print(f"trainings were killed with this written last: {dict(total.stages.most_common())}")
        print(f"hidden files that killed writers left in run folders: {total.left}")
        for (method, installed), seconds in self.lengths.items():
            shown = ", ".join(f"{command} {length:.1f} s" for command, length in seconds.items())
            print(f"undisturbed {method}{', installed' if installed else ''}: {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="kills in all, train and recommend together")
    parser.add_argument("--method", action="append", help="may be given more than once  [default: sgl-ed]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--apart", type=int, default=10, help="every so many rounds by the installed command")
    arguments = parser.parse_args()
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOAD)
    checkout = str(Path(__file__).parents[2])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [checkout, os.environ.get("PYTHONPATH")]))
    total, number, start = Findings(), 0, time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sgl-kills-") as name:
        rounds = Rounds(Path(name), arguments.method or ["sgl-ed"], seed=arguments.seed, apart=arguments.apart)
        while total.train_kills + total.recommend_kills < arguments.count:
            total.add(rounds(number))
            number += 1
    rounds.report(total, number)
    print(f"{len(total.wrong)} faults; {time.perf_counter() - start:.0f} s")
    sys.exit(1 if total.wrong else 0)


if __name__ == "__main__":
    main()
