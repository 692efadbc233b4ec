"""The command as a user calls it, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sgl_rec.cli.main import main


@dataclass(frozen=True)
class Result:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def fault(self) -> str:
        """The one line of a fault of the caller's; nothing but it and what stood before may be there."""
        assert self.code == 2, self
        assert self.out == ""
        assert "Traceback" not in self.err
        assert "Internal error" not in self.err
        last = self.err.rstrip("\n").splitlines()[-1]
        assert last.startswith("Error: "), self.err
        return last


Call = Callable[..., Result]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], restored_state: None) -> Call:
    """Run the command in this process: ``call("train", "--dry-run")``."""

    def run(*words: str | Path) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        return Result(stopped.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def spawn(tmp_path: Path) -> Call:
    """Run the command in a process of its own, in ``tmp_path``; ``text`` goes to its standard input."""

    def run(*words: str | Path, text: str | bytes = "") -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "sgl_rec", *map(str, words)],
            input=text if isinstance(text, bytes) else text.encode(),
            capture_output=True,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            timeout=120,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def here(run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: an own one, with the small run at ``runs/demo``."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
