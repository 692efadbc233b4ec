"""``python -m sgl_rec`` is the command."""

from __future__ import annotations

import subprocess
import sys

import sgl_rec


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "sgl_rec", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"sgl-rec, version {sgl_rec.__version__}\n"


def test_a_wrong_word_has_exit_code_2() -> None:
    done = subprocess.run([sys.executable, "-m", "sgl_rec", "trian"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'trian'" in done.stderr
    assert "Traceback" not in done.stderr
