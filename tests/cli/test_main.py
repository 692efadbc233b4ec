"""The command as a whole: exit codes, what goes where, its helps and their examples."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest

import sgl_rec
from sgl_rec.cli import main as module
from sgl_rec.cli.main import cli
from sgl_rec.errors import UserError


def commands(group: click.Group, *above: str) -> list[tuple[str, ...]]:
    """The words of every command and group below ``group``."""
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*above, name))
        if isinstance(command, click.Group):
            found += commands(command, *above, name)
    return found


ALL = [(), *commands(cli)]


def test_every_verb_is_there() -> None:
    verbs = {
        "train",
        "evaluate",
        "recommend",
        "similar",
        "report",
        "datasets",
        "methods",
        "doctor",
        "pretrain",
        "embed",
        "probe",
    }
    assert set(cli.commands) >= verbs


def test_version(call: Any) -> None:
    result = call("--version")
    assert (result.code, result.out, result.err) == (0, f"sgl-rec, version {sgl_rec.__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_help_ends_with_an_example(call: Any, words: tuple[str, ...], option: str) -> None:
    result = call(*words, option)
    assert (result.code, result.err) == (0, "")
    assert result.out.rstrip().splitlines()[-1].strip().startswith("Example: sgl-rec ")


def example(call: Any, *words: str) -> list[str]:
    text = re.sub(r"\s+", " ", call(*words, "--help").out)
    return shlex.split(text.rsplit("Example: sgl-rec ", 1)[1])


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_example_runs(
    call: Any, here: Path, words: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    line = example(call, *words)
    assert tuple(line[: len(words)]) == words
    if line[0] in ("pretrain", "embed", "probe"):
        pytest.importorskip("kornia")
        for folder in ("new", "known"):
            shutil.copytree(request.getfixturevalue("pictures"), here / "photos" / folder)
        if line[0] == "pretrain":
            line += ["--set", "data.size=8", "--set", "encoder.width=4", "--max-epochs", "1"]
        else:
            shutil.copytree(request.getfixturevalue("tiny_pretrain"), here / "run")
    if line[0] == "train":
        line += ["--max-epochs", "1", "--set", "encoder.embedding_dim=8", "--threads", "1", "--out", "own"]
    before = set(here.rglob("*"))
    result = call(*line)
    if line[0] == "doctor":  # says in earnest how this machine is
        assert result.code in (0, 1)
    else:
        assert result.code == 0, result.err
    for name in [line[place + 1] for place, word in enumerate(line) if word == "--output"]:
        assert here / name in set(here.rglob("*")) - before
    assert result.out or "--output" in line


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_answer_at_once_and_import_no_torch(option: str) -> None:
    code = (
        "import sys\nfrom sgl_rec.cli.main import main\n"
        f"try:\n    main([{option!r}])\nexcept SystemExit as stopped:\n    code = stopped.code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'pydantic', 'rich'} & set(sys.modules)\n"
        "print(code, sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "0 []\n"
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "sgl_rec", option], capture_output=True, check=True)
        seconds.append(time.perf_counter() - begin)
    print(f"{option}: {min(seconds):.2f} s")
    assert min(seconds) < 1  # half a second on a quiet machine


@pytest.mark.parametrize("words", [["trian"], ["train", "--lr", "1"], ["evaluate"], ["datasets", "describe"]])
def test_wrong_words_are_one_line_with_exit_code_2(call: Any, words: list[str]) -> None:
    result = call(*words)
    assert result.err == result.fault + "\n"
    assert re.search(r"; see `sgl-rec( \w+)* --help`$", result.fault)


def test_no_words_show_the_help(call: Any) -> None:
    result = call()
    assert result.code == 2
    assert "Commands:" in result.err


def failing(error: BaseException) -> click.Command:
    @click.command()
    @click.option("--debug", is_flag=True)
    def command(debug: bool) -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UserError("where: what must be rule"), 2, "Error: where: what must be rule\n"),
        (KeyError("x"), 1, "Internal error: KeyError: 'x'; run again with --debug and report what it prints\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (KeyboardInterrupt("Interrupted; go on"), 130, "Interrupted; go on\n"),
        (click.exceptions.Abort(), 130, "interrupted\n"),
    ],
)
def test_a_fault_is_one_line_and_a_code(
    call: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, text: str
) -> None:
    monkeypatch.setitem(cli.commands, "fail", failing(error))
    result = call("fail")
    assert (result.code, result.out, result.err) == (code, "", text)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("a lot"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes"),
    ],
    ids=str,
)
def test_too_little_memory_says_what_to_lower(
    call: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setitem(cli.commands, "fail", failing(error))
    result = call("fail")
    assert result.code == 2
    assert re.fullmatch(
        r"Error: out of memory \(.*\); lower training.batch_size, .*--memory-budget where there is one\n",
        result.err,
    )


def test_a_message_is_short_and_moves_no_cursor(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.commands, "fail", failing(UserError("x\x1b[31m: must be\n" + "y" * 5000 + "; end")))
    first, second = call("fail").err.splitlines()
    assert first == "Error: x\\x1b[31m: must be"
    assert second.endswith("yyy; end")
    assert len(second) < 800
    assert len(call("train", "--seed", "9" * 5000).err.splitlines()[-1]) < 1000


def test_a_path_that_the_system_refuses_is_the_callers(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(36, "File name too long", "x/y")
    monkeypatch.setitem(cli.commands, "fail", failing(error))
    assert call("fail").fault == "Error: x/y: cannot be used (File name too long); check the path and its disk"


@pytest.mark.parametrize(("error", "code"), [(UserError("here"), 2), (KeyError("here"), 1)])
def test_debug_shows_the_traceback(
    call: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int
) -> None:
    monkeypatch.setitem(cli.commands, "fail", failing(error))
    result = call("fail", "--debug")
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith("Traceback (most recent call last):\n")
    assert "test_main.py" in result.err


def test_a_reader_that_goes_away_is_no_fault(here: Path) -> None:
    for words in ("recommend runs/demo", "--help"):
        command = f"set -o pipefail; {sys.executable} -m sgl_rec {words} | head -1"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=here)
        assert (done.returncode, done.stderr) == (0, ""), words
        assert len(done.stdout.splitlines()) == 1


def test_a_reader_that_has_gone_before_the_first_line_is_no_fault(here: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as gone:  # noqa: PTH123 - a descriptor
        done = subprocess.run(
            [sys.executable, "-m", "sgl_rec", "similar", "runs/demo", "17"], stdout=gone, stderr=subprocess.PIPE
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_saves_and_says_how_to_go_on(here: Path) -> None:
    words = ["train", "--max-epochs", "500", "--method", "lightgcn", "--threads", "1", "--out", "own"]
    words += ["--set", "encoder.embedding_dim=8", "--set", "training.patience=500"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sgl_rec", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "epoch 1:" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    last = err.splitlines()[-1]
    assert last == "Interrupted; the state is saved. Go on with: sgl-rec train --resume own"
    assert "Traceback" not in err
    unfinished = subprocess.run(
        [sys.executable, "-m", "sgl_rec", "evaluate", "own"], capture_output=True, text=True
    )
    assert unfinished.returncode == 2
    assert "sgl-rec train --resume own" in unfinished.stderr


def test_completion_answers_the_shell() -> None:
    environment = {
        **os.environ,
        "_SGL_REC_COMPLETE": "bash_complete",
        "COMP_WORDS": "sgl-rec ev",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([sys.executable, "-m", "sgl_rec"], capture_output=True, text=True, env=environment)
    assert done.stdout == "plain,evaluate\n"


def test_exit_codes_are_those_of_the_help() -> None:
    assert (module.OK, module.OUR_FAULT, module.CALLERS_FAULT, module.INTERRUPTED) == (0, 1, 2, 130)
