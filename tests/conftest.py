"""Shared fixtures; shapes in signatures are checked while the tests run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from jaxtyping import install_import_hook

# Every public signature's shapes are checked at each call. `kernels` stays out: compiled bodies live there.
install_import_hook(
    [f"sgl_rec.{room}" for room in ("graph", "views", "encoders", "losses", "evaluation", "baselines")],
    "beartype.beartype",
)
torch.use_deterministic_algorithms(True)
torch.set_num_threads(1)  # small tensors: threads that wait for each other cost more than they give


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="run the tests that take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not config.getoption("--run-slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; run with --run-slow"))
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets, or a skip with the reason."""
    root = os.environ.get("SGL_REC_DATA")
    if not root or not Path(root).is_dir():
        pytest.skip("real data is absent: set SGL_REC_DATA to a folder of prepared data sets")
    return Path(root)
