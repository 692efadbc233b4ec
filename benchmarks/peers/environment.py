"""Virtual environments for peers whose pins do not go with ours: made once, used again."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

OLDEST, NEWEST = (3, 9), (3, 11)
"""The Pythons for which these pins have wheels."""

RECBOLE = "recbole==1.2.1"
RECBOLE_PINS = (
    "numpy<1.27",
    "scipy<1.11",
    "pandas<2.2",
    "setuptools<80",
    "scikit-learn<1.6",
    "colorama",
    "colorlog",
    "psutil",
    "pyyaml",
    "tensorboard",
    "texttable",
    "tqdm",
)
"""What RecBole's models and data import; ray, hyperopt, plotly and thop are for what is not measured here."""


class NoPeerError(Exception):
    """A peer cannot run here; the text says why and what to do."""


def default_folder() -> Path:
    """``$XDG_CACHE_HOME/sgl_rec-bench``, by default below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sgl_rec-bench"


def recbole(folder: Path) -> Path:
    """The Python of an environment with RecBole, and with the PyTorch that runs here.

    Raises: NoPeerError where there is no fitting Python or the installation fails.
    """
    torch = f"torch=={importlib.metadata.version('torch').partition('+')[0]}"
    return _environment(folder / "recbole", [[*RECBOLE_PINS, torch], ["--no-deps", RECBOLE]])


def _environment(folder: Path, installs: Sequence[Sequence[str]]) -> Path:
    """The Python of ``folder``; each of ``installs`` is one call of pip."""
    python, done = folder / "bin" / "python", folder / "installed.json"
    wanted = [list(install) for install in installs]
    if done.is_file() and json.loads(done.read_text(encoding="utf-8")) == wanted:
        return python
    print(f"making {folder} (once; minutes)", flush=True)
    if folder.exists() and not (folder / "pyvenv.cfg").is_file():
        raise NoPeerError(f"{folder} is there and is no virtual environment; choose another --peers")
    commands = [[_python(), "-m", "venv", "--clear", str(folder)]]
    commands += [[str(python), "-m", "pip", "install", "--quiet", *install] for install in wanted]
    for command in commands:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise NoPeerError(f"{' '.join(command)} failed:\n{ended.stderr.strip()[-2000:]}")
    done.write_text(json.dumps(wanted), encoding="utf-8")
    return python


def _python() -> str:
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            return found
    raise NoPeerError("the peer's pins need Python 3.9 to 3.11; install one, or run this with it")
