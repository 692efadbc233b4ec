"""Numba's compiler and its cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest
import torch

from sgl_rec.kernels.jit import num_threads

SOURCE = """
import numba
from sgl_rec.kernels.jit import jit, num_threads

@jit()
def twice(value):
    return 2 * value

@jit(parallel=True)
def fill(out, parts):
    for part in numba.prange(parts):
        out[part] = twice(part)
"""
USE = """
import logging, sys
logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
import numpy as np
import kernel
out = np.zeros(3)
kernel.fill(out, 3)
print(out.tolist(), sum(kernel.fill.stats.cache_hits.values()))
"""


COMPILING = "compiling the kernels for this processor: some ten seconds, once"


def run(folder: Path, home: Path) -> tuple[str, list[str]]:
    """What it prints, and what it says on the way."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA", "XDG"))}
    done = subprocess.run(
        [sys.executable, "-c", USE],
        cwd=folder,
        env=environment | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "kernel.py").write_text(SOURCE)
    return tmp_path / "code"


def test_a_second_process_finds_what_the_first_compiled(folder: Path, tmp_path: Path) -> None:
    assert run(folder, tmp_path) == ("[0.0, 2.0, 4.0] 0", [COMPILING])
    assert run(folder, tmp_path) == ("[0.0, 2.0, 4.0] 1", [])


LOW = """
from sgl_rec.kernels.jit import jit

@jit()
def twice(value):
    return {factor} * value
"""


def test_a_change_of_a_neighbour_is_compiled(folder: Path, tmp_path: Path) -> None:
    """A function holds the code of those it calls, whose files the compiler's own cache does not look at."""
    high = SOURCE.replace("def twice", "def unused")
    (folder / "kernel.py").write_text(f"from low import twice\n{high}")
    for factor, hits in ((2, 0), (7, 0), (7, 1)):
        if not hits:
            (folder / "low.py").write_text(LOW.format(factor=factor))
        assert run(folder, tmp_path)[0] == f"[0.0, {factor}.0, {2 * factor}.0] {hits}"


def test_without_a_folder_for_the_cache_it_compiles_all_the_same(folder: Path, tmp_path: Path) -> None:
    # A file where each cache folder would be: nobody, root included, can write below it.
    (folder / "__pycache__").write_text("")
    home = tmp_path / "home"
    home.write_text("")
    printed, said = run(folder, home)
    assert printed == "[0.0, 2.0, 4.0] 0"
    assert len(said) == 2
    assert "NUMBA_CACHE_DIR names one" in said[0]
    assert said[1] == COMPILING


def test_torch_keeps_its_threads(folder: Path) -> None:
    code = """
import numpy as np, torch
import kernel
from sgl_rec.kernels.jit import num_threads
torch.set_num_threads(1)
for _ in range(2):
    print(num_threads(), end=" ")
    kernel.fill(np.zeros(3), 3)
    print(torch.get_num_threads(), end=" ")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"] * 4


def test_torch_s_threads_are_numba_s() -> None:
    before = torch.get_num_threads()
    try:
        for count in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            torch.set_num_threads(count)
            assert num_threads() == count == numba.get_num_threads()
        torch.set_num_threads(numba.config.NUMBA_NUM_THREADS + 1)
        assert num_threads() == numba.config.NUMBA_NUM_THREADS
    finally:
        torch.set_num_threads(before)
