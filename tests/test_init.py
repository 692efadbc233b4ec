"""``import sgl_rec`` stays light, and names what it has."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

import sgl_rec

HEAVY = ("torch", "pandas", "numpy", "rich", "pyarrow", "triton", "torch_geometric", "kornia", "transformers")


def test_import_is_light_and_quick() -> None:
    code = f"import sgl_rec, sys; print([name for name in {HEAVY} if name in sys.modules])"
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - begin < 2
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_its_names_are_there() -> None:
    assert callable(sgl_rec.train)
    assert callable(sgl_rec.load_run)
    assert callable(sgl_rec.bench)
    assert callable(sgl_rec.tune)
    assert sgl_rec.Run.__name__ == "Run"
    for name in sgl_rec.__all__:
        assert name == "__version__" or callable(getattr(sgl_rec, name)), name


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'trian'"):
        sgl_rec.trian  # noqa: B018
